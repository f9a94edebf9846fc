"""How tissue is told from background: what a user may choose, in micrometres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from spora_build.errors import Place, Problem, UsageError

METHODS = ("auto", "full", "otsu", "li", "triangle")


@dataclass(frozen=True)
class MaskSettings:
    """One way to find tissue. Raises UsageError with every problem of the values at once."""

    method: str = "auto"
    """``auto``; ``full`` takes the whole field; ``otsu``, ``li`` or ``triangle`` cut where that rule says, come what
    may."""
    threshold: float | None = None
    """Where to cut, in place of the rule. H&E and IHC: stain density (log10, about 0.03 to 0.5). Multiplex: share of
    the tissue's usual level, between 0 and 1."""
    closing_um: float = 15.0
    """Gaps narrower than twice this are closed."""
    max_hole_um2: float = 10_000.0
    """Holes of up to this area are filled (never more than a twentieth of the field)."""
    min_speck_um2: float = 5_000.0
    """Pieces below this area are dust (never more than a hundredth of the field)."""
    working_mpp: float | None = None
    """Pixel size at which the decision is taken; None: chosen from the field's size."""

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise UsageError(problems)


def mask_settings(method: str, options: Mapping[str, object]) -> MaskSettings:
    """Settings from a section of text and numbers, as ``[mask]`` of spora.toml. Raises UsageError."""
    known = [field.name for field in fields(MaskSettings) if field.name != "method"]
    problems = []
    numbers: dict[str, float] = {}
    for name, value in options.items():
        if name not in known:
            problems.append(_wrong(name, "there is no such setting", f"use one of {', '.join(known)}."))
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(_wrong(name, "this is no number", "give a number."))
        else:
            numbers[name] = float(value)
    if problems:
        raise UsageError(problems)
    return MaskSettings(method, **numbers)


def _problems(settings: MaskSettings) -> Iterable[Problem]:
    if settings.method not in METHODS:
        yield _wrong("method", f"{settings.method!r} is no way to find tissue", f"use one of {', '.join(METHODS)}.")
    for name in ("closing_um", "max_hole_um2", "min_speck_um2"):
        value = getattr(settings, name)
        if not (math.isfinite(value) and value >= 0):
            yield _wrong(name, f"{value:g} is no length or area", "give 0 or more.")
    for name in ("threshold", "working_mpp"):
        value = getattr(settings, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            yield _wrong(name, f"{value:g} is not above 0", "give a number above 0, or leave it out.")


def _wrong(name: str, what: str, remedy: str) -> Problem:
    return Problem("E-MASK-011", f"mask setting {name}: {what}.", remedy, Place(column=name))
