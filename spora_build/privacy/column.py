"""A column of a table as the gate sees it: its name in words and how often each value is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from spora_build.model.names import snake_case

MISSING = frozenset({"", "na", "n/a", "n.a.", "nan", "none", "null", "unknown", "unk", "-", "--", ".", "?", "missing"})
_YES_AND_NO = "0 1 0.0 1.0 yes no true false y n t f ja nein j oui non o si sí s pos neg + positive negative"
_BOOLEAN = frozenset(_YES_AND_NO.split())
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)
_ARTICLES = "of the a an de di du des del della dell d l la le les los el der die das den dem von am im s"
_SMALL_WORDS = frozenset(_ARTICLES.split())
_PLAIN_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "ł": "l", "Ł": "L", "đ": "d", "ð": "d", "þ": "th"}
)
"""Letters that Unicode does not take apart."""


@dataclass(frozen=True)
class Column:
    """One column: all text, values never in its repr."""

    table: str
    name: str
    counts: Counter[str] = field(repr=False)
    """Stripped values that are not missing, and the rows each has."""
    owners: int | None = None
    """Pairs of a patient and one of its values; None where nobody knows whose row is whose."""

    @classmethod
    def of(cls, table: str, name: str, values: Sequence[str | None], patients: Sequence[str] | None = None) -> Column:
        """Count the values of a column; ``patients`` are those of its rows."""
        column = cls.counted(table, name, Counter(values))
        if patients is None:
            return column
        pairs = {(patient, value.strip()) for patient, value in zip(patients, values, strict=True) if value is not None}
        return replace(column, owners=sum(1 for _, value in pairs if value in column.counts))

    @classmethod
    def counted(cls, table: str, name: str, raw: Mapping[str | None, int]) -> Column:
        """A column of which only the distinct values and their rows are known."""
        counts: Counter[str] = Counter()
        for value, rows in raw.items():
            text = "" if value is None else value.strip()
            if text.lower() not in MISSING:
                counts[text] += rows
        return cls(table, name, counts)

    @cached_property
    def rows(self) -> int:
        """Rows that have a value."""
        return self.counts.total()

    @property
    def once(self) -> int:
        """Rows that have a value, the many rows of one patient with the same value counted once."""
        return self.rows if self.owners is None else self.owners

    @cached_property
    def words(self) -> str:
        """The name as lower-case words without accents or articles: ``_date_birth_`` for ``Date of Birth``."""
        parted = re.sub(r"([A-Za-z]{2})(\d)", r"\1_\2", snake_case(self.name.translate(_PLAIN_LETTERS)))
        words = [word for word in parted.split("_") if word and word not in _SMALL_WORDS]
        return f"_{'_'.join(words)}_"

    @cached_property
    def is_boolean(self) -> bool:
        """Whether every value is a yes or a no."""
        return all(value.lower() in _BOOLEAN for value in self.counts)

    @cached_property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return all(_NUMBER.fullmatch(value) for value in self.counts)

    @cached_property
    def is_measured(self) -> bool:
        """Whether every value is a number and some have decimals: no kind of identifier."""
        return self.is_numeric and any(not value.lstrip("+-").isdigit() for value in self.counts)

    def count(self, test: Callable[[str], object]) -> int:
        """Rows whose value passes the test."""
        return sum(rows for value, rows in self.counts.items() if test(value))

    def share(self, test: Callable[[str], object]) -> float:
        """Share of the rows with a value that pass the test, 0 where there are none."""
        return self.count(test) / self.rows if self.rows else 0.0
