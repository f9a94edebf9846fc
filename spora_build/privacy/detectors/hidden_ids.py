"""Raw identifiers that stand in a column where they should not, alone or inside other text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.finding import Finding
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-010"
_RUN = Expression(r"\d+|[^\W\d_]+")
_EXTENSION = Expression(r"\.(ome\.)?(tiff?|svs|ndpi|mcd|txt|png|jpe?g|qptiff|zarr|czi)$", re.IGNORECASE)

Runs = tuple[str, ...]


@dataclass(frozen=True)
class RawIds:
    """The raw identifiers of a submission, made ready to be looked for."""

    telling: dict[str, list[Runs]] = field(repr=False)
    """Long enough to be recognised inside other text, by their first run."""
    short: frozenset[str] = field(repr=False)
    """Too short for that (``7``, ``NC``): told by what the whole column holds."""

    @classmethod
    def of(cls, raw_ids: Collection[str]) -> RawIds:
        """Sort identifiers by how telling they are. File names count without their extension too."""
        telling: dict[str, list[Runs]] = {}
        short: set[str] = set()
        for raw in {part for whole in raw_ids for part in (whole, _EXTENSION.sub("", whole))}:
            parts = runs(raw)
            if not parts:
                continue
            if is_telling(parts):
                telling.setdefault(parts[0], []).append(parts)
            else:
                short.add(fold(raw))
        return cls({first: sorted(set(many)) for first, many in telling.items()}, frozenset(short))

    def are_in(self, text: str) -> bool:
        """Whether a telling identifier stands in the text, whatever its case and separators."""
        parts = runs(text)
        return any(
            parts[start : start + len(wanted)] == wanted
            for start, part in enumerate(parts)
            for wanted in self.telling.get(part, ())
        )


def find(column: Column, ids: RawIds, values: Sequence[str | None], own: Sequence[str] | None) -> Hit | None:
    """Columns with raw identifiers in them.

    Short identifiers count where the column repeats each row's ``own`` identifier, or holds all of them and no more.
    """
    if found := 0 if column.is_measured else column.count(ids.are_in):
        return Hit(CODE, "has raw identifiers of this submission in its values", found)
    if own is not None and _repeats(values, own):
        return Hit(CODE, "repeats each row's own identifier", column.rows)
    folded = {fold(value) for value in column.counts}
    if len(ids.short) >= 3 and not column.is_boolean and folded >= ids.short and len(folded) <= 1.1 * len(ids.short):
        return Hit(CODE, "holds just the identifiers of this submission", column.rows)
    return None


def named_after_a_patient(table: str, place: int) -> Finding:
    """The finding about a column whose name (never shown) holds an identifier; ``place`` counts from 1."""
    return Finding(
        CODE,
        table,
        None,
        f"the name of column {place} holds a raw identifier of this submission",
        0,
        "rename the column in the sheet: names of columns enter the dataset.",
    )


def runs(text: str) -> Runs:
    """The runs of letters and of digits in a text, folded; separators fall away, leading zeros too."""
    return tuple(run.lstrip("0") or "0" if run.isdigit() else run for run in _RUN.findall(fold(text)))


def fold(text: str) -> str:
    """The text without letter case, compatibility forms and outer spaces."""
    return unicodedata.normalize("NFKC", text).casefold().strip()


def is_telling(parts: Runs) -> bool:
    """Whether so few texts look like this that finding it inside another text is no accident.

    Four letters or digits in all, or three with both a letter and a digit; a single number needs five digits.
    """
    length = sum(len(part) for part in parts)
    digits = any(part.isdigit() for part in parts)
    letters = any(not part.isdigit() for part in parts)
    if len(parts) == 1:
        return length >= (5 if digits else 4)
    return length >= 4 or (length >= 3 and digits and letters)


def _repeats(values: Sequence[str | None], own: Sequence[str]) -> bool:
    pairs = [(fold(value), fold(mine)) for value, mine in zip(values, own, strict=True) if value is not None]
    same = {value for value, mine in pairs if value == mine}
    hits = sum(1 for value, mine in pairs if value == mine)
    return len(same) >= 3 and hits >= 0.8 * len(pairs)
