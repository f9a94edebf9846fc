"""Which pixel sizes are written, and the grid that registered modalities share there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spora_build.errors import Place, Problem
from spora_build.model.geometry import Size, rescaled_size
from spora_build.model.modality import Modality
from spora_build.workflows.planning.plan import PlannedOutput

NATIVE = "native"
SAME = 1e-6
"""Relative difference below which two pixel sizes are one."""


@dataclass(frozen=True)
class NativeGrid:
    """Size and pixel size of one raw image of a tissue."""

    modality: Modality
    size: Size
    mpp: float


def requested_mpps(
    requests: Sequence[float | str], native_mpp: float, *, allow_upsampling: bool, explicit: bool, place: Place
) -> tuple[tuple[float, ...], tuple[Problem, ...]]:
    """Pixel sizes to write for an image, ascending, and what is left out of the request.

    A request finer than the raw image is an error where the user asked for it (``explicit``), a note where it is the
    default, and done where upsampling is allowed.
    """
    wanted: dict[float, None] = {}
    problems = []
    for request in requests:
        mpp = native_mpp if request == NATIVE else float(request)
        if abs(mpp - native_mpp) <= SAME * native_mpp:
            wanted[native_mpp] = None
        elif mpp > native_mpp or allow_upsampling:
            wanted[mpp] = None
        elif explicit:
            problems.append(
                Problem(
                    "E-MPP-020",
                    f"{mpp:g} µm per pixel is finer than the raw image ({native_mpp:g}).",
                    "ask for coarser pixels only, or set allow_upsampling = true in spora.toml.",
                    place,
                )
            )
        else:
            problems.append(
                Problem(
                    "N-MPP-021",
                    f"the raw image ({native_mpp:g} µm per pixel) is coarser than {mpp:g}; it is not written there.",
                    "nothing to do, or set allow_upsampling = true in spora.toml.",
                    place,
                )
            )
    return tuple(sorted(wanted)), tuple(problems)


def shared_outputs(
    grids: Sequence[NativeGrid], wanted: Mapping[Modality, Sequence[float]], place: Place
) -> tuple[dict[Modality, tuple[PlannedOutput, ...]], tuple[Problem, ...]]:
    """The outputs of each modality of one tissue, on one grid per pixel size.

    The grid is that of the modality with the lowest native mpp among those written at that pixel size; others may
    differ from it by one pixel of rounding. A larger difference is an error: the images are not registered.
    """
    outputs: dict[Modality, list[PlannedOutput]] = {grid.modality: [] for grid in grids}
    problems = []
    for mpp in sorted({mpp for mpps in wanted.values() for mpp in mpps}):
        there = sorted((g for g in grids if mpp in wanted[g.modality]), key=lambda g: (g.mpp, g.modality.name))
        sizes = {grid.modality: rescaled_size(grid.size, grid.mpp, mpp) for grid in there}
        reference = there[0].modality
        shared = sizes[reference]
        for grid in there:
            size = sizes[grid.modality]
            if max(abs(size.height - shared.height), abs(size.width - shared.width)) > 1:
                problems.append(
                    Problem(
                        "E-REG-001",
                        f"{grid.modality} is {size.height} × {size.width} px at {mpp:g} µm per pixel, but {reference}"
                        f" of the same tissue is {shared.height} × {shared.width}.",
                        "register and crop them to the same field, correct mpp, or give them different tissue values.",
                        place,
                    )
                )
            outputs[grid.modality].append(PlannedOutput(mpp, shared))
    return {modality: tuple(of) for modality, of in outputs.items()}, tuple(problems)
