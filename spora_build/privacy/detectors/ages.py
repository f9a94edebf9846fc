"""Ages over 89, which are rare enough to point at a person."""

from __future__ import annotations

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-007"
OLDEST = 89

_NAMED = Expression(
    r"_(age|ages|alder|alderar|ika|ikavuodet|leeftijd|idade|wiek|vek|alter|lebensalter|altersjahre|eta|edad|edades|anni_eta|age_years|patientenalter)_|^_(age|alter)"
)
_NOT_OF_A_PERSON = Expression(r"_(gestational|image|cell|slide|block|section|sample|storage|device|tumou?r|lesion)_")
_UNITS = {"months": 12, "month": 12, "monate": 12, "mois": 12, "mesi": 12, "meses": 12, "weeks": 52.18, "days": 365.25}
_UNITS |= {"day": 365.25, "tage": 365.25, "jours": 365.25, "giorni": 365.25, "dias": 365.25, "wochen": 52.18}
_UNITS |= {
    "maneder": 12,
    "manader": 12,
    "kuukautta": 12,
    "maanden": 12,
    "dager": 365.25,
    "dagar": 365.25,
    "dage": 365.25,
}
_NUMBER = Expression(r"\d+(?:[.,]\d+)?")
_OPEN_ENDED = Expression(
    r"\s*(>=?|≥|over|above|at least|from)\s*\d+|.*\d\s*(\+|or (older|more|over|above)|and (older|over|above))"
)


def find(column: Column) -> Hit | None:
    """Values over 89 in columns named for an age; one open class (``90+``, ``>89``) may hold them all."""
    if not _NAMED.search(column.words) or _NOT_OF_A_PERSON.search(column.words) or column.is_boolean:
        return None
    per_year = next((factor for word, factor in _UNITS.items() if f"_{word}_" in column.words), 1.0)
    found = column.count(lambda value: _is_over(value, per_year))
    return Hit(CODE, f"has ages over {OLDEST}", found) if found else None


def _is_over(text: str, per_year: float) -> bool:
    numbers = [float(number.replace(",", ".")) for number in _NUMBER.findall(text)]
    if not numbers:
        return False
    if _OPEN_ENDED.match(text.lower()):
        return min(numbers) > (OLDEST + 1) * per_year
    # a class counts by its lower end: 80-99 says less than 90+ does
    return min(numbers) >= (OLDEST + 1) * per_year or (len(numbers) == 1 and numbers[0] > OLDEST * per_year)
