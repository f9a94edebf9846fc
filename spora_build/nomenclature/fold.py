"""Labels without what labs vary: letter case, signs, Greek letters."""

from __future__ import annotations

import re
import unicodedata

_GREEK = str.maketrans("αβßγδεζηκλµμπσω", "abbgdezhklmmpsw", "®™")
"""ß stands where a keyboard has no β."""
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[^0-9a-z.+]+(?=[0-9])")
_BETWEEN_NAMES = re.compile(r"(?<=[0-9a-z])\s*\+\s*(?=[0-9a-z])")
_MEANINGLESS = re.compile(r"[^0-9a-z/+]|(?<![0-9])/|/(?![0-9])|\+$")


def plain_text(text: str) -> str:
    """NFKC text with Greek letters as Latin ones (``α`` is ``a``), without trademarks, with single spaces."""
    plain = unicodedata.normalize("NFKC", text.replace("™", "")).replace("‐", "-").replace("–", "-")
    return " ".join(plain.translate(_GREEK).split())


def fold(text: str) -> str:
    """What makes two labels the same: ``PD-L1``, ``PDL1`` and ``pd l1`` agree.

    A sign between two digits means something (``CK5/6`` is not CK56, ``CA19-9`` not CA199): it stays, as ``/``. So does
    a plus between two names, while the one of ``CD3+`` is lost.
    """
    if not text.isascii():
        lowered = plain_text(text).casefold()
    elif text.isalnum():  # most names of genes: the rest changes nothing of these
        return text.lower()
    else:
        lowered = text.strip().lower()
    lowered = _BETWEEN_DIGITS.sub("/", lowered)
    if "+" in lowered:
        lowered = _BETWEEN_NAMES.sub("+", lowered)
    return _MEANINGLESS.sub("", lowered)
