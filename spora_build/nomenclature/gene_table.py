"""Human genes: approved symbols, aliases, previous symbols and their proteins. See data/README.md."""

from __future__ import annotations

import lzma
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from spora_build.nomenclature.fold import fold

GENES_FILE = Path(__file__).parent / "data" / "genes.tsv.xz"


class Gene(NamedTuple):
    """One gene."""

    symbol: str
    """Approved by HGNC."""
    uniprot_ids: tuple[str, ...]
    """More than one where the gene makes different proteins."""
    other_names: tuple[str, ...]
    """Aliases, then previous symbols."""


def genes() -> dict[str, Gene]:
    """Every gene that makes a protein, by symbol. Parses the whole table: some 200 ms."""
    return {gene.symbol: gene for gene in map(_gene, _table().lines)}


def is_approved_symbol(text: str) -> bool:
    """Whether the text is exactly the approved symbol of a human gene that makes a protein."""
    return any(gene.symbol == text for gene in genes_with_symbol(text))


def genes_with_symbol(text: str) -> tuple[Gene, ...]:
    """Genes whose symbol agrees with the text but for letter case and signs."""
    key = fold(text)
    return tuple(gene for gene in _genes_like(_letters(key)) if fold(gene.symbol) == key)


def genes_with_alias(text: str) -> tuple[Gene, ...]:
    """Genes that an alias or a previous symbol of this spelling belongs to."""
    key = fold(text)
    return tuple(g for g in _genes_like(_letters(key)) if any(fold(name) == key for name in g.other_names))


class _Table(NamedTuple):
    """The table as it is searched: few of its 20,000 lines are ever parsed."""

    lines: list[str]
    searched: bytes
    """As many lines: ``|`` on both sides of every cell's every name, of which only the letters and digits are left."""


@cache
def _table() -> _Table:
    text = lzma.decompress(GENES_FILE.read_bytes()).decode().partition("\n")[2].removesuffix("\n")
    return _Table(text.split("\n"), b"|" + _letters(text).replace(b"\t", b"|").replace(b"\n", b"|\n|") + b"|")


_NOT_SEARCHED = bytes(sorted(set(range(128)) - set(b"0123456789abcdefghijklmnopqrstuvwxyz|\t\n")))


def _letters(text: str) -> bytes:
    """What two texts that fold to the same have in common, whatever their signs; much faster than to fold each name."""
    latin = re.sub(r"[^\x00-\x7f]", lambda letter: fold(letter[0]), text)
    return latin.lower().encode("ascii").translate(None, _NOT_SEARCHED)


@cache
def _genes_like(letters: bytes) -> tuple[Gene, ...]:
    """Genes with a symbol, another name or an accession of these letters and digits, in the table's order."""
    if not letters:
        return ()
    lines, searched = _table()
    name = b"|" + letters + b"|"
    found = []
    at = searched.find(name)
    while at >= 0:
        end = searched.find(b"\n", at)
        found.append(_gene(lines[searched.count(b"\n", 0, at)]))
        at = searched.find(name, end) if end >= 0 else -1
    return tuple(found)


def _gene(line: str) -> Gene:
    symbol, uniprot, aliases, previous = line.split("\t")
    others = tuple(name for name in (aliases + "|" + previous).split("|") if name)
    return Gene(symbol, tuple(uniprot.split("|")) if uniprot else (), others)
