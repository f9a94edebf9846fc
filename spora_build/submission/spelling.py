"""Near misses: the word that was probably meant, and identifiers that are one but for their spelling."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

_SEPARATOR = re.compile(r"[\W_]+")
_REWRITTEN = re.compile(
    r"\d[.,]\d+e[+-]?\d+|\d+e\+\d+"
    r"|\d{1,2}[-.](jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez)\.?"
    r"|(jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|sept|oct|okt|nov|dec|dez)\.?-\d{2}",
    re.IGNORECASE,
)


def closest(word: str, choices: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The choice most like ``word`` (letter case aside), None where none comes near."""
    by_folded = {choice.casefold(): choice for choice in choices}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None


def loose_identifier(text: str) -> str:
    """An identifier without what people vary: letter case, accents, zeros in front, signs next to a letter.

    ``P-01``, ``p1`` and ``P 001`` agree; ``17_5`` and ``175`` do not: between digits a sign means something.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    pieces = re.findall(r"[0-9]+|[^\W\d_]+|[\W_]+", plain)
    loose: list[str] = []
    for before, piece, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
        if piece.isdigit():
            loose.append(piece.lstrip("0") or "0")
        elif not _SEPARATOR.fullmatch(piece):
            loose.append(piece)
        elif before[-1:].isdigit() and after[:1].isdigit():
            loose.append("_")
    return "".join(loose)


def looks_rewritten(text: str) -> bool:
    """Whether a spreadsheet has probably turned this identifier or gene name into a number or a date."""
    return _REWRITTEN.fullmatch(text) is not None
