"""Columns of text become numbers where, and only where, nothing is lost by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from spora_build.submission.values import MISSING

Scalar = int | float | bool | str | None
_INT = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_POINT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"-?(0|[1-9][0-9]*)(,[0-9]+)?")
_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2},[0-9]{3}")
MAX_DIGITS = 15
"""Decimal digits that a double always keeps (IEEE 754)."""


def infer_column(values: Sequence[str | None]) -> list[Scalar]:
    """The values of one column, all of one type (int, float, bool or str), with None where missing.

    * int: all values are plain integers of at most 18 digits. A zero in front or a plus sign keeps the column text.
    * float: all are decimal numbers of at most 15 digits, with a point everywhere. Decimal commas count where no
      value has a point and at least one cannot be a thousands separator (``1,5``); a column of nothing but ``1,234``
      stays text.
    * bool: all are ``true`` or ``false`` in any letter case. ``0``/``1`` are integers and ``yes``/``no`` text.
    * everything else is text, as written.
    """
    present = [value for value in values if value is not None and value not in MISSING]
    if not present:
        return [None] * len(values)
    convert = _converter(present)
    return [None if value is None or value in MISSING else convert(value) for value in values]


def _converter(present: Sequence[str]) -> Callable[[str], Scalar]:
    if all(is_int(value) for value in present):
        return int
    if all(is_point_number(value) for value in present):
        return float
    if _has_decimal_commas(present):
        return _from_comma
    if all(value.lower() in ("true", "false") for value in present):
        return _from_word
    return str


def _fits(value: str, most_digits: int) -> bool:
    mantissa, _, exponent = value.lower().partition("e")
    digits = re.sub(r"[^0-9]", "", mantissa).lstrip("0").rstrip("0" if "." in mantissa or "," in mantissa else "")
    return len(digits) <= most_digits and abs(int(exponent or 0)) <= 290


def is_int(value: str) -> bool:
    """Whether the text is a plain integer of at most 18 digits."""
    return _INT.fullmatch(value) is not None and value != "-0"


def is_point_number(value: str, digits: int = MAX_DIGITS) -> bool:
    """Whether the text is a decimal number with a point or none, of at most so many digits."""
    return _POINT.fullmatch(value) is not None and _fits(value, digits)


def comma_evidence(values: Sequence[str], digits: int = MAX_DIGITS) -> tuple[bool, bool]:
    """Whether all values can be numbers with a decimal comma, and whether one of the commas must be that."""
    possible = all(_COMMA.fullmatch(value) and _fits(value, digits) for value in values)
    return possible, any("," in value and not _THOUSANDS.fullmatch(value) for value in values)


def _has_decimal_commas(present: Sequence[str]) -> bool:
    return all(comma_evidence(present))


def _from_comma(value: str) -> float:
    return float(value.replace(",", "."))


def _from_word(value: str) -> bool:
    return value.lower() == "true"
