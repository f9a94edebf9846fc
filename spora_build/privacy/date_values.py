"""Read the dates of a column, all in one unambiguous way or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from spora_build.privacy.column import MISSING
from spora_build.privacy.expression import Expression

_ISO = Expression(r"(\d{4})-(\d{1,2})-(\d{1,2})([T ]\d{1,2}:\d{2}.*)?")
_YEAR_FIRST = Expression(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})")
_COMPACT = Expression(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_DOTS = Expression(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_SLASHES = Expression(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})")
_SERIAL = Expression(r"\d{5}(\.\d+)?")
_EXCEL_EPOCH = date(1899, 12, 30)


@dataclass(frozen=True)
class Dates:
    """The dates of a column by row, None where missing."""

    values: tuple[date | None, ...]
    is_serial: bool
    """Whether they were Excel's day numbers, whose first day depends on the file: only differences can be trusted."""


class UnreadableDatesError(ValueError):
    """Why a column of dates cannot be read; the message never shows a value."""


def read_dates(values: Sequence[str | None]) -> Dates:
    """Dates of a column. Raises UnreadableDatesError.

    ISO, year first, eight digits, ``d.m.yyyy``, and with slashes or hyphens day-first or month-first, whichever fits
    **every** value: where both fit, the column is ambiguous and refused. Two-digit years are refused.
    """
    texts = [None if value is None or value.strip().lower() in MISSING else value.strip() for value in values]
    present = [text for text in texts if text is not None]
    if present and all(_SERIAL.fullmatch(text) for text in present):
        days = [None if text is None else _EXCEL_EPOCH + timedelta(days=int(float(text))) for text in texts]
        return Dates(tuple(days), is_serial=True)
    day_first = _day_first([match for text in present if (match := _SLASHES.fullmatch(text))])
    return Dates(tuple(None if text is None else _one(text, day_first) for text in texts), is_serial=False)


def _day_first(matches: list[re.Match[str]]) -> bool:
    firsts = [int(match[1]) for match in matches]
    seconds = [int(match[3]) for match in matches]
    day_first, month_first = any(first > 12 for first in firsts), any(second > 12 for second in seconds)
    same = all(first == second for first, second in zip(firsts, seconds, strict=True))
    if day_first and month_first:
        raise UnreadableDatesError("some dates have the day first and others the month")
    if matches and not (day_first or month_first or same):
        raise UnreadableDatesError("nothing tells whether the day or the month comes first")
    return day_first


def _one(text: str, day_first: bool) -> date:
    try:
        if match := _ISO.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _YEAR_FIRST.fullmatch(text):
            return date(int(match[1]), int(match[3]), int(match[4]))
        if match := _COMPACT.fullmatch(text):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _DOTS.fullmatch(text):
            return date(int(match[3]), int(match[2]), int(match[1]))
        if match := _SLASHES.fullmatch(text):
            first, second = int(match[1]), int(match[3])
            day, month = (first, second) if day_first else (second, first)
            return date(int(match[4]), month, day)
    except ValueError:
        raise UnreadableDatesError("some values are no dates of the calendar") from None
    raise UnreadableDatesError("some values are no dates with a four-digit year")
