"""Values that a person kept out of the dataset, where finding one elsewhere is no accident."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from spora_build.model.privacy_rules import Drop, Hash, Privacy
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import contacts, person_names, places, record_numbers
from spora_build.privacy.lint import first_hit
from spora_build.privacy.tokens import Token

_DIRECT = {person_names.CODE, record_numbers.CODE, contacts.CODE, places.CODE}
_WORD = re.compile(r"[^\W\d_]{2,}")


def withheld_values(
    table: str, columns: Mapping[str, Sequence[str | None]], rules: Privacy
) -> Iterator[tuple[str, frozenset[str]]]:
    """Of columns that are dropped or hashed and name people, cases, ways to reach them or addresses: telling values.

    Yields ``table.column`` and the values.
    """
    for name, values in columns.items():
        if isinstance(rules.action(table, name), Drop | Hash):
            column = Column.of(table, name, values)
            hit = first_hit(column)
            if hit is not None and hit.code in _DIRECT and (telling := frozenset(filter(_is_telling, column.counts))):
                yield f"{table}.{name}", telling


def withheld_tokens(withheld: Mapping[str, frozenset[str]]) -> Iterator[Token]:
    """What to look for, called by its column alone."""
    return (
        Token(text, f"a person or case in {column}", True)
        for column, texts in withheld.items()
        for text in sorted(texts)
    )


def _is_telling(value: str) -> bool:
    """Six digits, six letters with a digit among them, an address, or two words: a surname alone may be any word."""
    if "@" in value:
        return True
    letters = [letter for letter in value if letter.isalnum()]
    if any(letter.isdigit() for letter in letters):
        return len(letters) >= 6
    return len(_WORD.findall(value)) >= 2 and len(letters) >= 8
