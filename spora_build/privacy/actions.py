"""What the decisions of spora.toml do to the values of a column."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from spora_build.privacy.column import MISSING
from spora_build.privacy.date_values import UnreadableDatesError, read_dates
from spora_build.privacy.pseudonym import IdKind, IdScheme, keyed_code, normalise_raw_id

Values = list[str | None]
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_WITH_SIGN = re.compile(
    r"\s*(?:>=?|≥|over|above)?\s*(\d+(?:[.,]\d+)?)\s*(?:\+|years?|y|yrs?|jahre|ans|anni|años)?\s*", re.IGNORECASE
)


class UnusableActionError(ValueError):
    """Why an action cannot be carried out; the message never shows a value."""


def cap(values: Sequence[str | None], at: float) -> Values:
    """Numbers above ``at`` become ``at``, so does ``90+``; other numbers stay as they are written.

    Raises UnusableActionError where a value is no number.
    """
    return [_kept(value, at) for value in values]


def bin_values(values: Sequence[str | None], edges: Sequence[float]) -> Values:
    """Numbers become classes: ``<0``, ``[0,50)``, ``[50,70)``, ``>=70`` for the edges 0, 50, 70.

    Raises UnusableActionError where a value is no number.
    """
    names = [f"<{edges[0]:g}"]
    names += [f"[{low:g},{high:g})" for low, high in pairwise(edges)]
    names += [f">={edges[-1]:g}"]
    return [None if (number := _number(value)) is None else names[bisect_right(edges, number)] for value in values]


def days_since(values: Sequence[str | None], reference: Sequence[str | None]) -> Values:
    """Whole days from the date in the same row of ``reference``; missing where either is.

    Raises UnusableActionError where a column has ambiguous or unreadable dates.
    """
    try:
        then, now = read_dates(reference), read_dates(values)
    except UnreadableDatesError as error:
        raise UnusableActionError(str(error)) from None
    if then.is_serial != now.is_serial and any(then.values) and any(now.values):
        raise UnusableActionError("one of the columns has Excel's day numbers and the other has dates")
    return [
        None if first is None or second is None else str((second - first).days)
        for first, second in zip(then.values, now.values, strict=True)
    ]


def hash_values(values: Sequence[str | None], secret: bytes) -> Values:
    """Eight letters for each value under the dataset's key; equal values have equal codes in every column."""
    codes: dict[str | None, str | None] = {
        value: None
        if value is None or value.strip().lower() in MISSING
        else keyed_code(secret, normalise_raw_id(value, IdScheme.KEYED), IdKind.VALUE)
        for value in set(values)
    }
    return [codes[value] for value in values]


def _kept(value: str | None, at: float) -> str | None:
    number = _number(value)
    if number is None:
        return None
    if number > at:
        return f"{at:g}"
    return value.strip() if value is not None and _NUMBER.fullmatch(value.strip()) else f"{number:g}"


def _number(value: str | None) -> float | None:
    if value is None or value.strip().lower() in MISSING:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return float(text.replace(",", "."))
    if match := _WITH_SIGN.fullmatch(text):
        return float(match[1].replace(",", "."))
    raise UnusableActionError("some values are no numbers")
