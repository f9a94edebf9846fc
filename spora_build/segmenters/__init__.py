"""Ways to find cells where a lab has no masks: one module each, found by itself.

A segmenter is a module of this package with a value ``SEGMENTER`` of the shape :class:`Segmenter`. The module's name is
what ``spora-build segment --method`` takes.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UsageError
from spora_build.segmenters._planes import Planes

__all__ = ["BUILT_IN", "Planes", "Segmenter", "find_segmenter", "segmenters"]

BUILT_IN = "nuclei"


class Segmenter(Protocol):
    """What ``SEGMENTER`` of a module offers."""

    @property
    def settings_type(self) -> type[Any]:
        """Frozen dataclass of the options; it raises ValueError for those that make no sense."""
        ...

    @property
    def takes_bodies(self) -> bool:
        """Whether planes that show cell bodies are of use beside the nuclear ones."""
        ...

    @property
    def takes_all_cores(self) -> bool:
        """Whether one image keeps the machine busy, and two at once would only cost memory."""
        ...

    def provenance(self, settings: Any) -> dict[str, Any]:
        """Versions, parameters and weights, as JSON takes them. Raises a SporaBuildError where anything is missing."""
        ...

    def label_bands(self, planes: Planes, settings: Any) -> Iterator[NDArray[np.uint32]]:
        """Labels from top to bottom in bands (h, width), 0 where there is no cell; any numbers above, each one cell.

        The same for the same image and settings, whatever else the machine does.
        """
        ...


@cache
def segmenters() -> dict[str, Segmenter]:
    """Every segmenter by name; none of them loads its package before it is asked for labels."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name: cast("Segmenter", importlib.import_module(f"{__name__}.{name}").SEGMENTER) for name in names}


def find_segmenter(name: str) -> Segmenter:
    """The segmenter of this name. Raises UsageError."""
    found = segmenters().get(name)
    if found is None:
        raise UsageError(
            Problem(
                "E-SEG-004",
                "this is no method of segmentation.",
                f"choose among: {', '.join(segmenters())}.",
                Place(column="method", value=name),
            )
        )
    return found
