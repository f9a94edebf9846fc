"""From a TOML value to a setting: one small converter per kind, each says what it expects."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spora_build.model.modality import Modality
from spora_build.model.names import is_dataset_name, snake_case
from spora_build.submission.settings_types import (
    Allow,
    Bin,
    Cap,
    ColumnAction,
    DaysSince,
    Drop,
    Hash,
    Mpp,
)

Converter = Callable[[Any], Any]


class RejectedError(Exception):
    """A value that a setting does not take: the code of the problem and the facts of its message."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


def flag(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise _wrong_type(value, "true or false", "true")
    return value


def text(value: object) -> str:
    """Text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise _wrong_type(value, "text in double quotes", '"text"')
    return value.strip()


def dataset_name(value: object) -> str:
    """lastnameyearfirsttitleword."""
    name = text(value)
    if not is_dataset_name(name):
        raise RejectedError("E-SET-006")
    return name


def choice(*choices: str) -> Converter:
    """One of these words, in any letter case."""

    def convert(value: object) -> str:
        word = text(value).lower()
        if word not in choices:
            raise RejectedError("E-SET-005", choices=", ".join(f'"{c}"' for c in choices))
        return word

    return convert


def whole(low: int, high: int) -> Converter:
    """A whole number from low to high."""

    def convert(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(value, "a whole number", str(low))
        if not low <= value <= high:
            raise RejectedError("E-SET-004", expected=f"a whole number from {low} to {high}")
        return value

    return convert


def number(low: float, high: float, *, above: bool = False) -> Converter:
    """A number from low (or above it) to high."""

    def convert(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _wrong_type(value, "a number", f"{high:g}")
        if not low <= value <= high or (above and value == low):
            raise RejectedError("E-SET-004", expected=f"a number {'above' if above else 'from'} {low:g} to {high:g}")
        return float(value)

    return convert


mpp_number = number(0, 100, above=True)


def mpp(value: object) -> Mpp:
    """A pixel size in µm, or ``native``."""
    if isinstance(value, str):
        if value.strip().lower() == "native":
            return "native"
        raise _wrong_type(value, 'numbers or "native"', '["native", 1.0]')
    size: float = mpp_number(value)
    return size


def list_of(convert: Converter) -> Converter:
    """One value or a list of them, without repeats, in order."""

    def convert_all(value: object) -> tuple[Any, ...]:
        items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if not items:
            raise RejectedError("E-SET-004", expected="at least one value, or leave the setting out")
        return tuple(dict.fromkeys(convert(item) for item in items))

    return convert_all


def column_name(value: object) -> str:
    """A column, as snake_case."""
    name = snake_case(text(value))
    if not name:
        raise _wrong_type(value, "the name of a column", '"cell_type"')
    return name


def plane(value: object) -> str:
    """A plane of a file: its name, or its position counted from 0."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value)


def modality_name(key: str) -> str:
    """The name of a modality, as tissues.parquet has it."""
    try:
        return Modality.parse(key).name
    except ValueError:
        raise RejectedError("E-SET-010", name=key) from None


def mask_option(value: object) -> str | int | float | bool:
    """A plain value."""
    if not isinstance(value, (str, int, float, bool)):
        raise _wrong_type(value, "a number, text, true or false", "1.0")
    return value


def table_column(key: str) -> str:
    """``table.column`` with the column as snake_case."""
    table, dot, column = key.partition(".")
    name = snake_case(column)
    if not dot or table.strip().lower() not in ("clinical", "tissues", "cells") or not name:
        raise RejectedError("E-SET-007")
    return f"{table.strip().lower()}.{name}"


def column_action(value: object) -> ColumnAction:
    """What is done with a column: see :data:`ColumnAction`."""
    if isinstance(value, str) and value.strip().lower() == "drop":
        return Drop()
    if not isinstance(value, Mapping):
        raise RejectedError("E-SET-008")
    match dict(value):
        case {"drop": True, **rest} if not rest:
            return Drop()
        case {"hash": True, **rest} if not rest:
            return Hash()
        case {"cap": int() | float() as at, **rest} if not rest and not isinstance(at, bool) and math.isfinite(at):
            return Cap(float(at))
        case {"bin": [*edges], **rest} if not rest and _are_edges(edges):
            return Bin(tuple(float(edge) for edge in edges))
        case {"days_since": str() as column, **rest} if not rest and snake_case(column):
            return DaysSince(snake_case(column))
        case {"allow": str() as who, "on": on, **rest} if not rest and who.strip():
            return Allow(who.strip(), _date(on))
        case _:
            raise RejectedError("E-SET-008")


def _are_edges(edges: list[Any]) -> bool:
    numbers = all(isinstance(edge, (int, float)) and not isinstance(edge, bool) for edge in edges)
    return len(edges) > 1 and numbers and all(low < high for low, high in itertools.pairwise(edges))


def _date(value: object) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        raise RejectedError("E-SET-008") from None


def _wrong_type(value: object, expected: str, example: str) -> RejectedError:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text", list: "a list"}
    found = next((name for kind, name in kinds.items() if isinstance(value, kind)), "a section")
    if isinstance(value, (datetime.date, datetime.time)):
        found = "a date or time"
    if isinstance(value, str) and expected.startswith("text"):
        found = "blank"
    return RejectedError("E-SET-003", found=found, expected=expected, example=example)
