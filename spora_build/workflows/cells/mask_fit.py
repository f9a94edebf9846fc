"""Whether a cell mask lies on its tissue's images, and at which pixel size; whether its labels are cells."""

from __future__ import annotations

from collections.abc import Mapping

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.model.geometry import Size
from spora_build.pixels.numbering import Numbering

_MANY = 20
_LARGE = 0.2
"""Share of the field that no single cell among many covers."""
_SCATTERED = 0.1


def fit_cell_mask(
    size: Size, grids: Mapping[float, Size], reference: tuple[float, Size], declared_mpp: float | None, place: Place
) -> float:
    """The mask's pixel size.

    ``grids`` are the sizes of the tissue's images, raw and stored, by mpp; ``reference`` is the finest stored one. A
    mask of the size of one of them lies on it; with a declared pixel size it must cover the same field to within a
    pixel. Raises InvalidDataError for any other, and says where it is one turned on its side.
    """
    mpp, field = reference
    if declared_mpp is not None:
        scale = declared_mpp / mpp
        covered = size.height * scale, size.width * scale
        slack = max(1.0, scale)
        if abs(covered[0] - field.height) <= slack and abs(covered[1] - field.width) <= slack:
            return declared_mpp
        raise _refused(
            "E-CELLS-021",
            f"at the declared {declared_mpp:g} µm the mask's {_text(size)} cover {covered[0]:.0f} × {covered[1]:.0f}"
            f" pixels of the image at {mpp:g} µm, which has {_text(field)}.",
            "correct cell_mask_mpp, or give a mask of the whole image.",
            place,
        )
    for at, grid in sorted(grids.items()):
        if grid == size:
            return at
    for at, grid in sorted(grids.items()):
        if (grid.width, grid.height) == (size.height, size.width):
            raise _refused(
                "E-CELLS-022",
                f"the mask has {_text(size)} pixels and the image at {at:g} µm {_text(grid)}: it lies on its side.",
                "transpose or rotate the mask (rows and columns are swapped), whichever puts cells on cells.",
                place,
            )
    others = ", ".join(f"{_text(grid)} at {at:g} µm" for at, grid in sorted(grids.items()))
    raise _refused(
        "E-CELLS-020",
        f"the mask has {_text(size)} pixels; the images of its tissue have {others}.",
        "give the mask of this very image; one of another pixel size needs that in the column cell_mask_mpp.",
        place,
    )


def refuse_what_are_no_cells(cells: Numbering, place: Place) -> None:
    """Raises InvalidDataError for a mask without cells, and for one that says only cell or not.

    The latter is recognised by its only label having several pieces that do not touch.
    """
    if not len(cells):
        raise _refused(
            "E-CELLS-023",
            "the mask has no cells: every pixel is background.",
            "give the instance mask, or correct background_label and border_label below [cells] of spora.toml.",
            place,
        )
    if len(cells) == 1 and cells.split is None and cells.pieces[0] > 1:
        raise _refused(
            "E-CELLS-024",
            f"the mask has one label ({cells.original[0]}) in {cells.pieces[0]} pieces: it says where cells are, not"
            " which pixel is whose.",
            "give the instance mask, or write split_components = true below [cells] of spora.toml to make every piece"
            " a cell (touching cells stay one).",
            place,
        )


def doubts(cells: Numbering, field_px: int, place: Place) -> list[Problem]:
    """Warnings about labels in several pieces and about a background that counts as a cell."""
    found = []
    scattered = int((cells.pieces > 1).sum())
    if scattered:
        share = scattered / len(cells)
        found.append(
            Problem(
                "W-CELLS-025" if share > _SCATTERED else "N-CELLS-026",
                f"{scattered} of {len(cells)} labels lie in several pieces that do not touch.",
                "check the mask where this was not meant; each label is kept as one cell.",
                place,
            )
        )
    largest = int(cells.pixels.argmax())
    if len(cells) >= _MANY and cells.pixels[largest] > _LARGE * field_px:
        label = int(cells.original[largest])
        found.append(
            Problem(
                "W-CELLS-027",
                f"label {label} covers {cells.pixels[largest] / field_px:.0%} of the field: background, not a cell?",
                f"if so, write background_label = {label} below [cells] of spora.toml.",
                place,
            )
        )
    return found


def _text(size: Size) -> str:
    return f"{size.height} × {size.width}"


def _refused(code: str, what: str, remedy: str, place: Place) -> InvalidDataError:
    return InvalidDataError(Problem(code, what, remedy, place))
