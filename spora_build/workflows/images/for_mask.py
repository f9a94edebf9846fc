"""Small pictures for the tissue mask, gathered while images are written: the mask stage then reads no image again."""

from __future__ import annotations

from collections.abc import Iterable

from spora_build.model.geometry import Size, rescaled_size
from spora_build.model.modality import Modality
from spora_build.model.roi import PixelSource
from spora_build.pixels.foreground import working_mpp
from spora_build.pixels.gather import Gathering
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.store.windows import CHUNK_PX
from spora_build.workflows.planning.plan import PlannedImage, PlannedTissue

WITNESSES = 4
"""Channels of a multiplex image that are looked at where light microscopy decides: enough to tell what was measured,
since what fills a border fills it in all channels."""


def mask_mpp(tissue: PlannedTissue, settings: MaskSettings) -> float | None:
    """Pixel size at which the tissue's mask will be decided; None where a person has drawn it or said where to look."""
    if tissue.tissue_mask is not None or settings.working_mpp is not None:
        return None
    return working_mpp(_sizes(tissue), count_channels((i.modality, len(i.channels)) for i in tissue.images))


def count_channels(images: Iterable[tuple[Modality, int]]) -> int:
    """Most channels of an image that a tissue's mask looks at: see :data:`WITNESSES`."""
    counts = dict(images)
    bright = [count for modality, count in counts.items() if not modality.is_multiplex]
    return max(*bright, WITNESSES) if bright else max(counts.values())


def gather(
    tissue: PlannedTissue, image: PlannedImage, mpp: float, wanted_mpp: float | None, source: PixelSource
) -> Gathering | None:
    """``source``, the pixels of an image as it is to be stored at ``mpp``, gathered at ``wanted_mpp``.

    None where the mask looks at another pixel size or modality: of multiplex images beside light microscopy it takes a
    few channels only.
    """
    if wanted_mpp is None or (image.modality.is_multiplex and not all(i.modality.is_multiplex for i in tissue.images)):
        return None
    outputs = {output.mpp: output.size for output in image.outputs}
    if mpp != max((at for at in outputs if at <= wanted_mpp), default=None):
        return None
    sizes = _sizes(tissue)
    finest = min(sizes)
    grid = rescaled_size(sizes[finest], finest, wanted_mpp)
    return gathering(source, outputs[mpp], wanted_mpp / mpp, grid)


def gathering(source: PixelSource, source_size: Size, factor: float, size: Size) -> Gathering | None:
    """A picture of this size, of blocks of ``factor`` × ``factor`` pixels of a source.

    None where windows in which images are written would cut blocks, and where a registered image that is a little
    larger sets the picture's size: its last pixels have nothing here.
    """
    reach = size.height * factor < source_size.height + factor and size.width * factor < source_size.width + factor
    return Gathering(source, source_size, int(factor), size) if factor in _FACTORS and reach else None


_FACTORS = {2**power for power in range(1, CHUNK_PX.bit_length())}


def _sizes(tissue: PlannedTissue) -> dict[float, Size]:
    return {output.mpp: output.size for image in tissue.images for output in image.outputs}
