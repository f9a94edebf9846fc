"""Values for columns of ``ROWS`` rows, drawn the same way every time."""

from __future__ import annotations

import random
from collections.abc import Sequence

ROWS = 40
MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def repeat(values: Sequence[str | None], name: str) -> tuple[str | None, ...]:
    """The values over all rows, shuffled the same way every time."""
    filled = [values[row % len(values)] for row in range(ROWS)]
    random.Random(name).shuffle(filled)
    return tuple(filled)


def numbers(name: str, low: float, high: float, decimals: int = 0) -> tuple[str, ...]:
    draw = random.Random(name)
    return tuple(f"{draw.uniform(low, high):.{decimals}f}" for _ in range(ROWS))


def pattern(name: str, pattern: str) -> tuple[str, ...]:
    """``#`` becomes a digit and ``@`` a capital letter, drawn for each row."""
    draw = random.Random(name)

    def letter(sign: str) -> str:
        return (
            draw.choice("0123456789")
            if sign == "#"
            else draw.choice("ABCDEFGHJKLMNPRSTUVWXYZ")
            if sign == "@"
            else sign
        )

    return tuple("".join(letter(sign) for sign in pattern) for _ in range(ROWS))


def dates(name: str, form: str) -> tuple[str, ...]:
    draw = random.Random(name)
    shown = []
    for _ in range(ROWS):
        year, month, day = draw.randint(1940, 2021), draw.randint(1, 12), draw.randint(1, 28)
        fields = {
            "Y": f"{year}",
            "y": f"{year % 100:02d}",
            "m": f"{month:02d}",
            "d": f"{day:02d}",
            "b": MONTHS[3 * month - 3 : 3 * month],
        }
        shown.append("".join(fields.get(sign, sign) for sign in form))
    return tuple(shown)
