"""The two tables agree with each other and with UniProt's form of accessions."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict

from spora_build.nomenclature.curated import CURATED_FILE, curated_markers
from spora_build.nomenclature.fold import fold
from spora_build.nomenclature.gene_table import Gene, genes, genes_with_alias, genes_with_symbol, is_approved_symbol
from spora_build.nomenclature.proposal import Confidence, Kind

UNIPROT = re.compile(r"(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-[1-9][0-9]*)?")
NOT_A_SYMBOL = {"H3.3"}
"""One protein of two genes."""


def test_the_gene_table_is_whole() -> None:
    table = genes()
    assert 19_500 < len(table) < 21_500
    assert table["CD3E"].uniprot_ids == ("P07766",)
    assert "CD45" in table["PTPRC"].other_names
    assert all(UNIPROT.fullmatch(accession) for gene in table.values() for accession in gene.uniprot_ids)


def test_approved_symbols_are_exact() -> None:
    assert is_approved_symbol("PDCD1")
    assert not is_approved_symbol("PD-1")
    assert not is_approved_symbol("pdcd1")
    assert not is_approved_symbol("")


def test_searching_the_table_finds_what_folding_every_name_of_it_finds() -> None:
    by_symbol: defaultdict[str, list[Gene]] = defaultdict(list)
    by_alias: defaultdict[str, list[Gene]] = defaultdict(list)
    table = genes()
    for gene in table.values():
        by_symbol[fold(gene.symbol)].append(gene)
        for key in dict.fromkeys(map(fold, gene.other_names)):
            by_alias[key].append(gene)
    names = [name for gene in table.values() for name in (gene.symbol, *gene.other_names)]
    odd = [name for name in names if not name.isascii() or not {"+", "/"}.isdisjoint(name)]
    assert len(odd) > 150
    for name in (*odd, *names[::200], "", "+", "-", "P04217", "cd3++", "no such gene"):
        assert genes_with_symbol(name) == tuple(by_symbol[fold(name)]), name
        assert genes_with_alias(name) == tuple(by_alias[fold(name)]), name
        assert is_approved_symbol(name) == (name in table), name


def test_curated_proteins_are_symbols_with_the_accession_of_the_gene_table() -> None:
    rows = [row for row in curated_markers() if row.kind is Kind.PROTEIN and row.uniprot_id]
    table = genes()
    assert len(rows) > 500
    wrong = [
        row.marker
        for row in rows
        if row.marker not in NOT_A_SYMBOL and row.uniprot_id not in table[row.marker].uniprot_ids
    ]
    assert not wrong


def test_candidates_that_are_genes_have_their_accession() -> None:
    table = genes()
    pairs = [candidate for row in curated_markers() for candidate in row.candidates if candidate.name in table]
    assert len(pairs) > 200
    assert not [c for c in pairs if c.uniprot_id not in table[c.name].uniprot_ids]


def test_accessions_have_the_right_form() -> None:
    accessions = [row.uniprot_id for row in curated_markers() if row.uniprot_id]
    accessions += [c.uniprot_id for row in curated_markers() for c in row.candidates]
    assert not [a for a in accessions if not UNIPROT.fullmatch(a)]


def test_a_label_stands_in_one_row_only() -> None:
    counts = Counter(fold(label) for row in curated_markers() for label in row.labels)
    assert not [label for label, count in counts.items() if count > 1]
    assert "" not in counts


def test_only_what_a_person_must_choose_is_open_and_only_that_lacks_an_accession() -> None:
    for row in curated_markers():
        if row.confidence is Confidence.OPEN:
            assert not row.uniprot_id, row.marker
            assert row.note, row.labels
        elif row.kind in (Kind.PROTEIN, Kind.ISOFORM, Kind.MARK, Kind.COMPLEX):
            assert row.uniprot_id, row.marker
        if row.confidence is Confidence.LIKELY:
            assert row.note or row.candidates, row.marker


def test_no_label_means_another_gene_whose_approved_symbol_it_is_unless_it_says_so() -> None:
    """``TTF-1`` is spelt like a gene of its own: whoever proposes another for it has to say that it is a guess."""
    wrong = [
        (label, row.marker)
        for row in curated_markers()
        for label in row.labels
        if row.confidence is Confidence.SURE and row.kind is Kind.PROTEIN
        for gene in genes_with_symbol(label)
        if gene.symbol != row.marker
    ]
    assert not wrong


def test_hgnc_knows_most_other_names_of_single_genes_and_contradicts_few() -> None:
    """Aliases of HGNC as an oracle of their own: where they contradict, somebody has looked at it."""
    pairs = [
        (label, row.marker, {gene.symbol for gene in genes_with_alias(label)})
        for row in curated_markers()
        for label in row.labels
        if row.kind is Kind.PROTEIN and row.confidence is Confidence.SURE and not genes_with_symbol(label)
    ]
    known = [(label, marker, symbols) for label, marker, symbols in pairs if symbols]
    contradicted = {(label, marker) for label, marker, symbols in known if marker not in symbols}
    assert len(known) > 250
    assert contradicted == {("SMA", "ACTA2"), ("p27", "CDKN1B"), ("YAP", "YAP1")}


def test_the_curated_file_is_sorted_and_plain() -> None:
    with CURATED_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(row["marker"].casefold(), row["labels"].casefold()) for row in rows]
    assert keys == sorted(keys)
    assert {row["is_nuclear_marker"] for row in rows} == {"yes", "no"}
    assert not any(None in row or None in row.values() for row in rows)
