"""How many patients share each combination of what can be known about them from elsewhere (k-anonymity)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from spora_build.privacy.column import MISSING, Column
from spora_build.privacy.expression import Expression

_QUASI = Expression(
    r"_(sex|gender|geschlecht|sexe|sesso|sexo|age|alter|eta|edad|agegroup|race|ethnicity|ethnie|ethnizitat|etnia|nationality"
    r"|nationalitat|nationalite|nazionalita|nacionalidad|country|land|pays|paese|pais|state|region|kanton|canton|bundesland"
    r"|occupation|profession|beruf|professione|profesion|marital|zivilstand|religion|language|sprache|education|birth_year"
    r"|year_birth|diagnosis_year|year_diagnosis|hospital|clinic|centre|center|klinik|spital|ospedale|hopital)_"
)
_NOT_QUASI = Expression(
    r"_(cell|tumou?r|nuclear|image|steady|solid|disease_state|activation|mutation|gestational|cancer)_"
)
_MOST_TOGETHER = 3
_MOST_COLUMNS = 8


@dataclass(frozen=True)
class Group:
    """The smallest group of patients that a combination of columns makes."""

    columns: tuple[str, ...]
    k: int
    """Patients in the smallest group."""
    alone: int
    """Patients that are alone in their group."""


def quasi_identifiers(columns: Sequence[Column]) -> list[str]:
    """Columns that say what neighbours and newspapers know: sex, age, origin, place, year."""
    return [
        column.name
        for column in columns
        if column.rows and _QUASI.search(column.words) and not _NOT_QUASI.search(column.words)
    ][:_MOST_COLUMNS]


def smallest_groups(
    columns: Mapping[str, Sequence[str | None]], names: Sequence[str], patients: Sequence[str] | None
) -> list[Group]:
    """The smallest group of every combination of up to three of these columns, and of all together.

    ``patients`` names the patient of each row; without it each row is one. A missing value is a value of its own.
    """
    sizes = [*range(1, min(_MOST_TOGETHER, len(names)) + 1), *([len(names)] if len(names) > _MOST_TOGETHER else [])]
    return [_group(columns, chosen, patients) for size in sizes for chosen in combinations(names, size)]


def minimal_below(groups: Sequence[Group], k: int) -> list[Group]:
    """Groups smaller than ``k`` whose smaller combinations are all large enough: what has to be coarsened."""
    small: list[Group] = []
    for group in sorted(groups, key=lambda group: len(group.columns)):
        if group.k < k and not any(set(other.columns) <= set(group.columns) for other in small):
            small.append(group)
    return small


def _group(
    columns: Mapping[str, Sequence[str | None]], chosen: tuple[str, ...], patients: Sequence[str] | None
) -> Group:
    rows = zip(*([_shown(value) for value in columns[name]] for name in chosen), strict=True)
    members: dict[tuple[str, ...], set[object]] = {}
    for number, row in enumerate(rows):
        members.setdefault(row, set()).add(number if patients is None else patients[number])
    counts = [len(group) for group in members.values()]
    return Group(chosen, min(counts, default=0), counts.count(1))


def _shown(value: str | None) -> str:
    text = "" if value is None else value.strip()
    return "" if text.lower() in MISSING else text
