"""What a name means: the curated table first, the gene table second, a guess as a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spora_build.nomenclature.curated import CuratedMarker, find_curated
from spora_build.nomenclature.gene_table import Gene, genes_with_alias, genes_with_symbol
from spora_build.nomenclature.proposal import Candidate, Confidence, Kind

SHORT = 3
"""Names of so few letters mean too many things to be believed without a digit in them."""
_PHOSPHO = re.compile(r"^(?:p-?(?=[A-Z0-9])|phospho[\s_-]*)(?P<rest>.{2,})$")
_SITE = re.compile(
    r"(?:[\s_-]+[(]?|[(])(?:p?-?(?:S|T|Y|Ser|Thr|Tyr)-?[0-9]{1,4}(?:[/_ -]+p?(?:S|T|Y|Ser|Thr|Tyr)?-?[0-9]{1,4})*[)]?)$"
)


@dataclass(frozen=True)
class Meaning:
    """What a name may stand for."""

    marker: str
    """Empty where the name itself is the best there is."""
    uniprot_id: str
    is_nuclear_marker: bool
    kind: Kind
    confidence: Confidence
    candidates: tuple[Candidate, ...] = ()
    note: str = ""


def meaning_of(name: str) -> Meaning | None:
    """What the tables say about a name, None where they know nothing like it."""
    return plain_meaning_of(name) or distant_meaning_of(name)


def distant_meaning_of(name: str) -> Meaning | None:
    """Phosphorylated forms, and older or other names of genes."""
    return _phosphorylated(name) or _of_alias(name, genes_with_alias(name))


def plain_meaning_of(name: str) -> Meaning | None:
    """The same without older names of genes, which are as often somebody's clone."""
    row = find_curated(name)
    if row is not None:
        return _of_row(row)
    found = genes_with_symbol(name)
    return _of_symbol(name, found) if found else None


def _of_row(row: CuratedMarker) -> Meaning:
    return Meaning(
        row.marker, row.uniprot_id, row.is_nuclear_marker, row.kind, row.confidence, row.candidates, row.note
    )


def _of_symbol(name: str, found: tuple[Gene, ...]) -> Meaning:
    if len(found) > 1 or not found[0].uniprot_ids:
        return _choice(found, "several genes have such a symbol" if len(found) > 1 else "this gene has no accession")
    gene = found[0]
    others = tuple(other for other in genes_with_alias(name) if other.symbol != gene.symbol)
    if len(gene.uniprot_ids) > 1:
        return _choice(found, "the gene makes different proteins")
    has_digit = any(letter.isdigit() for letter in name)
    if len(gene.symbol) <= SHORT and not has_digit:
        if others or len(gene.symbol) < SHORT:
            return _choice((gene, *others), "so short a name may mean anything")
        return _gene(gene, Confidence.LIKELY, "short names mean many things")
    if others:
        return _gene(gene, Confidence.LIKELY, f"{_symbols(others)} is called so too", others)
    if name == gene.symbol or (name.casefold() == gene.symbol.casefold() and has_digit):
        return _gene(gene, Confidence.SURE, "")
    return _gene(gene, Confidence.LIKELY, "spelt like the gene's symbol")


def _of_alias(name: str, found: tuple[Gene, ...]) -> Meaning | None:
    if not found:
        return None
    is_short = len(re.sub(r"[^A-Za-z0-9]", "", name)) <= SHORT
    if len(found) == 1 and len(found[0].uniprot_ids) == 1 and not is_short:
        return _gene(found[0], Confidence.LIKELY, f"{name!r} is an older or other name of this gene")
    return _choice(found, "an older or other name of several genes" if len(found) > 1 else "an older or other name")


def _phosphorylated(name: str) -> Meaning | None:
    """``pSTAT6``, ``p-JNK``, ``AKT S473``: the name stays, the protein's accession is a guess."""
    site = _SITE.search(name)
    prefix = _PHOSPHO.match(name if site is None else name[: site.start()])
    rest = prefix["rest"] if prefix else (name[: site.start()] if site and site.start() > 1 else None)
    if rest is None:
        return None
    protein = meaning_of(rest)
    if protein is None or protein.kind not in (Kind.PROTEIN, Kind.COMPLEX, Kind.MARK):
        return None
    known = bool(protein.uniprot_id)
    candidates = protein.candidates or ((Candidate(protein.marker, protein.uniprot_id),) if known else ())
    return Meaning(
        "",
        protein.uniprot_id,
        False,
        Kind.MARK,
        Confidence.LIKELY if known else Confidence.OPEN,
        candidates,
        f"looks like a phosphorylated form of {protein.marker or rest}",
    )


def _gene(gene: Gene, confidence: Confidence, note: str, others: tuple[Gene, ...] = ()) -> Meaning:
    candidates = () if confidence is Confidence.SURE else _candidates((gene, *others))
    return Meaning(gene.symbol, gene.uniprot_ids[0], False, Kind.PROTEIN, confidence, candidates, note)


def _choice(found: tuple[Gene, ...], note: str) -> Meaning:
    return Meaning("", "", False, Kind.PROTEIN, Confidence.OPEN, _candidates(found), note)


def _candidates(found: tuple[Gene, ...]) -> tuple[Candidate, ...]:
    return tuple(Candidate(gene.symbol, accession) for gene in found for accession in gene.uniprot_ids or ("",))


def _symbols(found: tuple[Gene, ...]) -> str:
    return ", ".join(gene.symbol for gene in found[:4])
