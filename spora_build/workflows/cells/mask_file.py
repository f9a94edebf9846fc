"""A label mask as it came: which plane of its file, and its labels from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi
from spora_build.pixels.rasterise import LabelledShape, label_bands
from spora_build.readers import is_outlines, open_labels, read_outlines
from spora_build.store.array_promise import memory_budget, promised_bytes
from spora_build.submission.settings_types import Cells

MAX_LABEL = 2**32 - 1
_BAND_PX = 4 << 20
_OUTSIDE = 0.01
"""Share of polygons that may reach beyond the image: segmenters let border cells do so."""
_WHOLE_CELL = ("Nucleus", "Cytoplasm")


@dataclass(frozen=True)
class CellMaskFile:
    """An open mask; :meth:`bands` may be asked for again and again."""

    size: Size
    _read: Callable[[], Iterator[NDArray[np.uint32]]] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    """Notes on what was chosen."""

    def bands(self) -> Iterator[NDArray[np.uint32]]:
        """The labels in bands (h, width), 0 where there is no cell. Raises InvalidDataError for what is no label."""
        return self._read()


@contextmanager
def open_cell_mask(path: Path, shown_name: str, rules: Cells, size: Size | None = None) -> Iterator[CellMaskFile]:
    """Open an instance mask: any image that a reader takes, a ``.npy`` or ``.npz`` array of whole numbers, or polygons
    (GeoJSON, ROIs of ImageJ).

    ``size`` is that of the image on which polygons lie, for they do not tell. ``rules`` say what labels mean and which
    plane counts. Raises InvalidDataError where the file cannot be a mask.
    """
    place = Place(file=shown_name, column="cell_mask")
    if path.suffix.lower() in (".npy", ".npz"):
        plane = _load(path, place)
        yield CellMaskFile(Size(*plane.shape), lambda: _array_bands(plane, rules, place))
        return
    if is_outlines(path):
        yield _outlines(path, size, place)
        return
    with open_labels(path) as rois:
        if len(rois) != 1:
            raise _problem("E-CELLS-001", f"the file holds {len(rois)} images, a mask is one.", _EXPORT, place)
        roi = rois[0]
        channels, notes = _choose_planes(roi, rules.plane, place)
        yield CellMaskFile(roi.size, lambda: _roi_bands(roi, channels, rules, place), notes)


_EXPORT = "export the labels as one plane of whole numbers (TIFF, PNG, .npy or .npz)."


def _choose_planes(roi: Roi, wanted: str | None, place: Place) -> tuple[tuple[int, ...], tuple[Problem, ...]]:
    if roi.is_rgb:
        return (0, 1, 2), ()
    folded = [name.casefold() for name in roi.channel_names]
    if wanted is not None and roi.channel_count > 1:
        return tuple(_plane(part.strip(), folded, roi, place) for part in wanted.split("+")), ()
    if roi.channel_count == 1:
        return (0,), ()
    whole = [folded.index(name.casefold()) for name in _WHOLE_CELL if name.casefold() in folded]
    if whole:
        names = " + ".join(roi.channel_names[at] for at in whole)
        note = Problem(
            "N-CELLS-002",
            f"of the planes {', '.join(roi.channel_names)} the cells are taken from {names}"
            + (" (the first where both have a label)." if len(whole) > 1 else "."),
            f'nothing to do, or choose with plane = "{roi.channel_names[whole[0]]}" below [cells] of spora.toml.',
            place,
        )
        return tuple(whole), (note,)
    raise _problem(
        "E-CELLS-003",
        f"the mask has {roi.channel_count} planes and nothing says which one holds the cells{_named(roi)}.",
        "write plane = 0 (the first), 1, … below [cells] of spora.toml, or export one plane.",
        place,
    )


def _plane(part: str, folded: Sequence[str], roi: Roi, place: Place) -> int:
    if folded.count(part.casefold()) == 1:
        return folded.index(part.casefold())
    if part.isdigit() and int(part) < roi.channel_count:
        return int(part)
    raise _problem(
        "E-CELLS-004",
        f"the mask has {roi.channel_count} planes{_named(roi)}, none of them is {part!r}.",
        "correct plane below [cells] of spora.toml: a name, or a position counted from 0.",
        place,
    )


def _named(roi: Roi) -> str:
    return f" ({', '.join(roi.channel_names)})" if roi.channel_names else ""


def _roi_bands(roi: Roi, channels: Sequence[int], rules: Cells, place: Place) -> Iterator[NDArray[np.uint32]]:
    block = max(1, roi.block.height)
    rows = max(1, _BAND_PX // (roi.size.width * len(channels)))
    rows = max(rows // block * block, min(block, rows))
    for row in range(0, roi.size.height, rows):
        planes = roi.read(channels, Window(row, 0, min(rows, roi.size.height - row), roi.size.width))
        if roi.is_rgb:
            if not ((planes[0] == planes[1]) & (planes[0] == planes[2])).all():
                raise _problem("E-CELLS-005", "this is a picture in colours, not labels.", _EXPORT, place)
            yield _labels(planes[0], rules, place)
            continue
        labels = _labels(planes[0], rules, place)
        for plane in planes[1:]:
            labels = np.where(labels == 0, _labels(plane, rules, place), labels)
        yield labels


def _array_bands(plane: NDArray[Any], rules: Cells, place: Place) -> Iterator[NDArray[np.uint32]]:
    rows = max(1, _BAND_PX // plane.shape[1])
    for row in range(0, plane.shape[0], rows):
        yield _labels(plane[row : row + rows], rules, place)


def _labels(pixels: NDArray[Any], rules: Cells, place: Place) -> NDArray[np.uint32]:
    """Labels as uint32, background and border 0. Raises InvalidDataError for numbers that cannot be labels."""
    if pixels.dtype.kind not in "buif":
        raise _problem("E-CELLS-006", f"the mask holds {pixels.dtype}, no whole numbers.", _EXPORT, place)
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels) & (pixels == np.floor(pixels))).all():
        raise _problem("E-CELLS-007", "the mask has fractions or NaN, labels are whole numbers.", _EXPORT, place)
    if pixels.dtype.kind != "b" and (pixels.min() < 0 or pixels.max() > MAX_LABEL):
        low, high = pixels.min(), pixels.max()
        raise _problem(
            "E-CELLS-008",
            f"the mask has numbers from {low:g} to {high:g}; labels are 1 to {MAX_LABEL}.",
            "number the cells from 1, with 0 where there is none.",
            place,
        )
    labels: NDArray[np.uint32] = np.ascontiguousarray(pixels, dtype=np.uint32)
    for nothing in {rules.background_label, rules.border_label} - {0, None}:
        labels = np.where(labels == nothing, np.uint32(0), labels)
    return labels


def _outlines(path: Path, size: Size | None, place: Place) -> CellMaskFile:
    """Cells drawn from polygons; the number of its feature in the file is a cell's label."""
    found = read_outlines(path)
    if size is None or not found.cells:
        raise _problem("E-CELLS-012", "the file holds no polygon.", "export the cells, not points or lines.", place)
    shapes = [LabelledShape(outline.number, outline.polygons) for outline in found.cells]
    corners = np.array([ring.max(axis=0) for cell in found.cells for polygon in cell.polygons for ring in polygon[:1]])
    outside = int(((corners[:, 0] > size.width + 1) | (corners[:, 1] > size.height + 1)).sum())
    if outside > _OUTSIDE * len(corners):
        raise _problem(
            "E-CELLS-013",
            f"{outside} of {len(corners)} polygons reach beyond the image of {size.height} × {size.width} pixels:"
            " they were drawn on another image or at another pixel size.",
            "export polygons in pixels of this image; for another pixel size write it into cell_mask_mpp.",
            place,
        )
    notes: tuple[Problem, ...] = ()
    if found.left_out:
        listed = ", ".join(f"{count} {kind}" for kind, count in sorted(found.left_out.items()))
        notes = (
            Problem(
                "N-CELLS-014",
                f"{len(shapes)} polygons are taken for cells; left out: {listed}.",
                "nothing to do where these are no cells.",
                place,
            ),
        )
    rows = max(1, _BAND_PX // size.width)
    return CellMaskFile(size, lambda: label_bands(shapes, size, rows), notes)


def _load(path: Path, place: Place) -> NDArray[Any]:
    """The array of an ``.npy`` (mapped) or the only one, or the one called mask, of an ``.npz``."""
    try:
        nbytes = promised_bytes(path) if path.suffix.lower() == ".npz" else 0  # an .npy is mapped
        if nbytes > memory_budget():
            what = f"the array would take {nbytes / 1e9:.1f} GB of memory."
            raise _problem("E-CELLS-018", what, "export it as a TIFF, which is read in pieces.", place)
    except KeyError:
        pass  # several arrays and none called mask: told below
    except (OSError, ValueError) as error:
        raise _problem("E-CELLS-010", "the array cannot be read.", _EXPORT, place) from error
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                names = loaded.files
                name = "mask" if "mask" in names else names[0] if len(names) == 1 else None
                if name is None:
                    what = f"the archive holds {len(names)} arrays and none called mask."
                    raise _problem("E-CELLS-009", what, "save one array under the key mask.", place)
                plane = loaded[name]
        else:
            plane = loaded
    except (OSError, ValueError, EOFError) as error:
        raise _problem("E-CELLS-010", "the array cannot be read.", _EXPORT, place) from error
    plane = plane.reshape([length for length in plane.shape if length != 1] if plane.ndim > 2 else plane.shape)
    if plane.ndim != 2 or not plane.size:
        raise _problem("E-CELLS-011", f"the array has the shape {plane.shape}, a mask has two axes.", _EXPORT, place)
    return plane


def _problem(code: str, what: str, remedy: str, place: Place) -> InvalidDataError:
    return InvalidDataError(Problem(code, what, remedy, place))
