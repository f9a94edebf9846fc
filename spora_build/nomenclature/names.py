"""Which channel names need no second look."""

from __future__ import annotations

import re
from functools import cache

from spora_build.nomenclature.curated import curated_markers
from spora_build.nomenclature.gene_table import is_approved_symbol

_NUMBER = re.compile(r"_[0-9]{1,2}$")


def is_known_name(text: str) -> bool:
    """Whether a channel with an accession is well named.

    That is the approved symbol of a human gene; a name of what is no single gene, as the curated table has it
    (``CD45RO``, ``H3``, ``pS6``, ``HLA-DR``); several of these joined by ``+``; or one with a number (``CD68_2``).
    """
    return all(_is_one_name(part) or _is_one_name(_NUMBER.sub("", part)) for part in text.split("+"))


def _is_one_name(text: str) -> bool:
    return is_approved_symbol(text) or text in _own_names()


@cache
def _own_names() -> frozenset[str]:
    return frozenset(row.marker for row in curated_markers() if row.marker)
