"""The mask stage: stored images of a dataset in, one tissue mask per tissue and pixel size out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.foreground import Foreground, agree, find_brightfield, find_multiplex, working_mpp
from spora_build.pixels.mask_at import mask_bands, nearest_bands, soften
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.pixels.multiplex import unmeasured
from spora_build.pixels.rescale import Rescaled
from spora_build.store.coarse import CoarsePicture, KeptPlanes
from spora_build.store.image import StoredImage, open_image
from spora_build.store.layout import Layout
from spora_build.store.mask import write_mask_bands
from spora_build.store.tables import read_table
from spora_build.store.windows import plan_regions, shard_factor
from spora_build.workflows.dataset.sizes import array_bytes
from spora_build.workflows.images.for_mask import WITNESSES, count_channels, gathering
from spora_build.workflows.masks.user_mask import fit_user_mask, open_user_mask
from spora_build.workflows.running.executors import PROCESS_BYTES
from spora_build.workflows.running.free_memory import free_memory
from spora_build.workflows.running.guard import guarded

STAGE = "mask"
_LITTLE = 0.001
_HELD_BYTES = 500_000_000
"""At most, whatever the image's size: the grid that is decided on, as read and as floats, and the bands of a mask."""


@dataclass(frozen=True)
class MaskJob:
    """The tissue mask of one tissue, at every pixel size it has images at."""

    root: Path
    tissue_id: str
    images: tuple[tuple[Modality, float], ...]
    """Every image of the tissue: modality and mpp."""
    settings: MaskSettings = field(default_factory=MaskSettings)
    user_mask: Path | None = field(default=None, repr=False)
    """A person's own mask, which is taken as it is."""
    shown_name: str = ""
    """How the user's mask may be called in messages."""


def plan_masks(
    layout: Layout,
    settings: MaskSettings,
    user_masks: Mapping[str, Path] | None = None,
    shown_names: Mapping[str, str] | None = None,
) -> list[MaskJob]:
    """One job for each tissue that has images, sorted; ``user_masks`` and their names go by tissue id."""
    images: dict[str, list[tuple[Modality, float]]] = {}
    for modality in layout.find_modalities():
        for mpp in layout.find_resolutions(modality):
            for tissue in layout.find_images(modality, mpp):
                images.setdefault(tissue, []).append((modality, mpp))
    masks, names = user_masks or {}, shown_names or {}
    return [
        MaskJob(layout.root, tissue, tuple(found), settings, masks.get(tissue), names.get(tissue, "tissue mask"))
        for tissue, found in sorted(images.items())
    ]


def mask_need(job: MaskJob) -> int:
    """Bytes of memory that a job may take."""
    return PROCESS_BYTES + _HELD_BYTES + array_bytes(job.user_mask)


def mask_one(job: MaskJob) -> Outcome:
    """Write the tissue's masks; every error becomes part of the outcome."""
    try:
        return guarded(job.tissue_id, STAGE, lambda: _mask(job))
    finally:
        free_memory()


def _mask(job: MaskJob) -> Outcome:
    layout = Layout(job.root)
    images = {key: open_image(layout.image(*key, job.tissue_id)) for key in job.images}
    sizes = _sizes(images, job.tissue_id)
    if job.user_mask is not None:
        share = _write_users(job, job.user_mask, sizes)
        words = "as given"
    else:
        found = _find(layout, images, sizes, job)
        share, soft = 0.0, soften(found.tissue)
        for mpp, size in sizes.items():
            share = _write(job, mpp, size, mask_bands(soft, found.mpp, size, mpp))
        words = job.settings.method
    for modality, mpp in images:
        CoarsePicture(layout, modality, mpp, job.tissue_id).drop()
    problems = () if share >= _LITTLE else (_little(job.tissue_id, share),)
    return Outcome(job.tissue_id, STAGE, Status.DONE, problems, f"{words}: {share:.0%} of the field")


def _sizes(images: Mapping[tuple[Modality, float], StoredImage], tissue_id: str) -> dict[float, Size]:
    """Height and width at each mpp, finest first. Raises InvalidDataError where registered images differ."""
    sizes: dict[float, Size] = {}
    for (_, mpp), image in sorted(images.items(), key=lambda item: item[0][1]):
        if sizes.setdefault(mpp, image.size) != image.size:
            raise InvalidDataError(
                Problem(
                    "E-MASK-012",
                    f"the images of this tissue at {mpp:g} µm differ in size, so that they cannot share a mask.",
                    "convert the tissue again.",
                    Place(file=f"{tissue_id}.ome.zarr"),
                )
            )
    return sizes


def _find(
    layout: Layout, images: Mapping[tuple[Modality, float], StoredImage], sizes: Mapping[float, Size], job: MaskJob
) -> Foreground:
    """The tissue's foreground, from one image of each modality.

    Light microscopy decides where there is any: it shows all tissue, a panel of markers only what it stains. Without
    it, tissue is where any multiplex image has tissue. Either way only where every modality was measured: a tile
    without pixels in one of them is of no use, and filled borders would drag quantiles down.
    """
    channels = {modality: _channels(layout, modality, image) for (modality, _), image in images.items()}
    finest, size = next(iter(sizes.items()))
    mpp = working_mpp(
        sizes,
        count_channels((modality, image.channel_count) for (modality, _), image in images.items()),
        job.settings.working_mpp,
    )
    grid = rescaled_size(size, finest, mpp)

    def read(modality: Modality, channels: Sequence[int]) -> Iterable[NDArray[Any]]:
        return _read(layout, images, job.tissue_id, modality, channels, mpp, grid)

    bright, stacks = [m for m in channels if not m.is_multiplex], [m for m in channels if m.is_multiplex]
    seen, missing = [], []
    for modality in bright:
        seen.append(find_brightfield(np.stack(list(read(modality, channels[modality]))), mpp, job.settings))
    for modality in stacks:
        if bright:
            missing.append(unmeasured(read(modality, channels[modality][:WITNESSES]), mpp))
        else:
            seen.append(find_multiplex(read(modality, channels[modality]), mpp, job.settings))
    found = agree(seen, missing)
    if not found.tissue.any():
        raise InvalidDataError(_empty(job.tissue_id))
    return found


def _read(
    layout: Layout,
    images: Mapping[tuple[Modality, float], StoredImage],
    tissue_id: str,
    modality: Modality,
    channels: Sequence[int],
    mpp: float,
    grid: Size,
) -> Iterable[NDArray[Any]]:
    """Channels at the working mpp, to be gone through as often as wanted, from the coarsest stored image that is no
    coarser (else from the finest): as they were gathered when it was written, or are now.
    """
    stored = sorted(at for name, at in images if name == modality)
    source_mpp = max((at for at in stored if at <= mpp), default=stored[0])
    source = images[modality, source_mpp]
    kept = CoarsePicture(layout, modality, source_mpp, tissue_id).find(mpp)
    if kept is not None and kept.shape == (source.channel_count, grid.height, grid.width):
        return KeptPlanes(kept, channels)
    now = gathering(source, source.size, mpp / source_mpp, grid)
    if now is not None:
        pixel_bytes = len(channels) * source.dtype.itemsize
        for region in plan_regions(source.size, shard_factor(source.size), pixel_bytes, source.block):
            for window in region.windows():
                now.read(channels, window)
        assert now.picture is not None
        return now.picture
    view = Rescaled(source, source.size, mpp / source_mpp, grid)
    return view.read(channels, Window(0, 0, grid.height, grid.width))


def _channels(layout: Layout, modality: Modality, image: StoredImage) -> tuple[int, ...]:
    """Indices of the channels that passed QC; all of them where none did or nobody says."""
    everything = tuple(range(image.channel_count))
    path = layout.channels_table(modality)
    if not (modality.is_multiplex and path.is_file()):
        return everything
    table = read_table(path)
    if not {"channel_name", "qc_pass"} <= set(table.column_names):
        return everything
    rows = zip(table["channel_name"].to_pylist(), table["qc_pass"].to_pylist(), strict=True)
    passed = {str(name) for name, ok in rows if ok}
    return tuple(at for at, name in enumerate(image.channel_names) if name in passed) or everything


def _write_users(job: MaskJob, path: Path, sizes: Mapping[float, Size]) -> float:
    share = 0.0
    with open_user_mask(path, job.shown_name) as mask:
        own_mpp = fit_user_mask(mask.size, sizes, job.shown_name)
        for mpp, size in sizes.items():
            bands = nearest_bands(mask.source, mask.channels, mask.size, mpp / own_mpp, size)
            share = _write(job, mpp, size, bands)
    return share


def _write(job: MaskJob, mpp: float, size: Size, bands: Iterable[NDArray[np.bool_]]) -> float:
    """Write one mask and return the share of the field that is tissue. Raises InvalidDataError where none is."""
    tissue_px = 0

    def counted() -> Iterator[NDArray[np.bool_]]:
        nonlocal tissue_px
        for band in bands:
            tissue_px += int(np.count_nonzero(band))
            yield band
        if not tissue_px:
            raise InvalidDataError(_empty(job.tissue_id))

    path = Layout(job.root).tissue_mask(mpp, job.tissue_id)
    write_mask_bands(path, (size.height, size.width), np.dtype(np.bool_), counted())
    return tissue_px / (size.height * size.width)


def _empty(tissue_id: str) -> Problem:
    return Problem(
        "E-MASK-010",
        "no tissue was found in this image.",
        "look at the picture; give a mask in the column tissue_mask of tissues.csv, lower the threshold, or take the"
        " whole field with the method full.",
        Place(file=tissue_id),
    )


def _little(tissue_id: str, share: float) -> Problem:
    return Problem(
        "W-MASK-015",
        f"only {share:.2%} of the field was found to be tissue.",
        "look at the mask; give one in the column tissue_mask of tissues.csv where it is wrong.",
        Place(file=tissue_id),
    )
