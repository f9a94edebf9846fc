"""Letters for terminals that lack them: µm is um there, and 5 × 60 is 5 x 60."""

from __future__ import annotations

import codecs

PLAIN = "spora_build_plain"
"""Name of the way to handle letters that an encoding lacks, for ``open`` and ``reconfigure``."""
_INSTEAD = str.maketrans(
    {"×": "x", "µ": "u", "μ": "u", "…": "...", "→": "->", "–": "-", "≥": ">=", "≤": "<=", "²": "2", "−": "-"}
)


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_INSTEAD)
    return "".join(letter if letter.isascii() else "?" for letter in text), error.end


codecs.register_error(PLAIN, _replace)
