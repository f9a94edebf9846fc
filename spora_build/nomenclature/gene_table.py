"""Human genes: approved symbols, aliases, previous symbols and their proteins. See data/README.md."""

from __future__ import annotations

import lzma
from collections import defaultdict
from collections.abc import Iterable
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


@cache
def genes() -> dict[str, Gene]:
    """Every gene that makes a protein, by symbol. Read once (some 50 ms)."""
    lines = lzma.decompress(GENES_FILE.read_bytes()).decode().splitlines()
    table = {}
    for line in lines[1:]:
        symbol, uniprot, aliases, previous = line.split("\t")
        others = tuple(name for name in (aliases + "|" + previous).split("|") if name)
        table[symbol] = Gene(symbol, tuple(uniprot.split("|")) if uniprot else (), others)
    return table


@cache
def _by_symbol() -> dict[str, tuple[Gene, ...]]:
    return _index((fold(gene.symbol), gene) for gene in genes().values())


@cache
def _by_other_name() -> dict[str, tuple[Gene, ...]]:
    return _index((fold(name), gene) for gene in genes().values() for name in gene.other_names)


def _index(pairs: Iterable[tuple[str, Gene]]) -> dict[str, tuple[Gene, ...]]:
    found: defaultdict[str, dict[str, Gene]] = defaultdict(dict)
    for key, gene in pairs:
        found[key][gene.symbol] = gene
    return {key: tuple(group.values()) for key, group in found.items()}


def is_approved_symbol(text: str) -> bool:
    """Whether the text is exactly the approved symbol of a human gene that makes a protein."""
    return text in genes()


def genes_with_symbol(text: str) -> tuple[Gene, ...]:
    """Genes whose symbol agrees with the text but for letter case and signs."""
    return _by_symbol().get(fold(text), ())


def genes_with_alias(text: str) -> tuple[Gene, ...]:
    """Genes that an alias or a previous symbol of this spelling belongs to."""
    return _by_other_name().get(fold(text), ())
