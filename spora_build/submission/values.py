"""What the text of a cell means: missing, yes or no, a number."""

from __future__ import annotations

import math
import re

MISSING = frozenset(
    ("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "NAN", "null", "NULL", "None", "NaT", "-nan")
)
"""Cells read as missing, exactly so spelt: ``none`` and ``Na`` stay text."""
FORMULA_ERRORS = frozenset(("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"))
_TRUE = frozenset(
    [
        "true",
        "t",
        "yes",
        "y",
        "1",
        "1.0",
        "x",
        "ja",
        "j",
        "oui",
        "o",
        "vrai",
        "wahr",
        "si",
        "sí",
        "sì",
        "verdadero",
        "vero",
        "✓",
        "✔",
    ]
)
_FALSE = frozenset(["false", "f", "no", "n", "0", "0.0", "nein", "non", "faux", "falsch", "falso", "-", "✗", "✘"])
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"


def clean_text(text: str) -> str:
    """Text without outer white space of any kind (no-break and zero-width space too)."""
    return text.strip().strip(_INVISIBLE).strip()


def parse_bool(text: str) -> bool:
    """Yes or no in the spellings of several languages and programs. Raises ValueError."""
    word = text.casefold()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither yes nor no")


def parse_number(text: str) -> float:
    """A finite number, with a decimal point or comma and no thousands separators. Raises ValueError."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    number = float(text.replace(",", "."))
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not finite")
    return number
