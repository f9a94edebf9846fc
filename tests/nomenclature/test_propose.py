"""Labels as instruments and labs write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.nomenclature.isotopes import metal
from spora_build.nomenclature.panel import propose_panel
from spora_build.nomenclature.proposal import Confidence, Kind, is_read_by_spora
from spora_build.nomenclature.propose import clean_label, propose

FORBIDDEN = re.compile(r'[/\\<>:"|?*\x00-\x1f\x7f]')


@pytest.mark.parametrize(
    ("label", "core"),
    [
        ("Cytoker_651((3356))Pr141", "Cytoker"),
        ("141Pr_CD38", "CD38"),
        ("CD38-141Pr", "CD38"),
        ("Dy161_ TIM-3", "TIM-3"),
        ("CD45RO-BX019", "CD45RO"),
        ("Ki67 (B56)", "Ki67"),
        ("CD8a - D8A8Y:Cyc_3_ch_2", "CD8a"),
        ("DNA1(Ir191Di)", "DNA1"),
        ("CD20 Opal 650", "CD20"),
        ("Opal 570 - CD68", "CD68"),
        ("CD3-OKT3", "CD3"),
        ("CD3ε", "CD3e"),
        ("107Ag", "Ag107"),
        ("PD-L1", "PD-L1"),
        ("IL-17A", "IL-17A"),
        ("Opal 520", "Opal 520"),
        ("", ""),
    ],
)
def test_the_name_in_a_label(label: str, core: str) -> None:
    assert clean_label(label) == core


@pytest.mark.parametrize(
    ("label", "marker", "accession"),
    [
        ("CD45RO", "CD45RO", "P08575-4"),
        ("CD45RA", "CD45RA", "P08575-8"),
        ("CD45 (RO)", "CD45RO", "P08575-4"),
        ("SMA", "ACTA2", "P62736"),
        ("PD-1", "PDCD1", "Q15116"),
        ("Histone H3", "H3", "P68431"),
        ("CD15", "CD15", "P22083"),
        ("Caspase-3 (cleaved)", "cCASP3", "P42574"),
        ("H3K27me3", "H3K27me3", "P68431"),
        ("pS6", "pS6", "P62753"),
        ("PNAd", "PNAd", ""),
    ],
)
def test_sure_ones(label: str, marker: str, accession: str) -> None:
    proposal = propose(label)
    assert (proposal.marker, proposal.uniprot_id, proposal.confidence) == (marker, accession, Confidence.SURE)


@pytest.mark.parametrize(
    "label",
    [
        "panCK",
        "HLA-DR",
        "CD3",
        "CD3 (UCHT1)",
        "S100",
        "CD16",
        "pERK",
        "PERK",
        "p75",
        "CD31+vWF",
        "CD3-CD8",
        "MMR",
        "CK2",
    ],
)
def test_left_for_a_person_with_candidates(label: str) -> None:
    proposal = propose(label)
    assert (proposal.confidence, proposal.uniprot_id, proposal.keep) == (Confidence.OPEN, "", True)
    assert proposal.candidates


@pytest.mark.parametrize(
    "label",
    [
        "CK1-4",
        "CK56",
        "AKT (S473)",
        "CD45 (RB)",
        "STAT3 pY705",
        "p53 (phospho)",
        "CD68/CD163",
        "EGFR - mutant",
        "Foo",
        "X1",
    ],
)
def test_no_plain_protein_for_a_form_of_it_or_for_another_name(label: str) -> None:
    proposal = propose(label)
    assert proposal.kind is not Kind.PROTEIN or proposal.confidence is Confidence.OPEN


@pytest.mark.parametrize(
    "label",
    [
        "80ArAr(ArAr80Di)",
        "Ar80",
        "Xe131",
        "134Xe",
        "Pb204",
        "Ba138",
        "I127",
        "Hg202",
        "190BCKG(BCKG190Di)",
        "Blank",
        "blank_Cy5_c9",
        "Empty-Cy3-18",
        "Autofluorescence 2",
        "A488_background_1",
    ],
)
def test_background_is_not_kept(label: str) -> None:
    proposal = propose(label)
    assert (proposal.keep, proposal.kind, proposal.uniprot_id) == (False, Kind.BACKGROUND, "")


@pytest.mark.parametrize(
    "label", ["DAPI", "DAPI-01", "Hoechst3", "DNA1", "Ir193", "193Ir_DNA2", "DRAQ5", "dsDNA", "HOECHST1:Cyc_1_ch_1"]
)
def test_dna_stains_are_nuclear_without_accession(label: str) -> None:
    proposal = propose(label)
    assert (proposal.kind, proposal.is_nuclear_marker, proposal.uniprot_id) == (Kind.DNA_STAIN, True, "")


def test_an_unlabelled_channel_is_seen_by_its_metal() -> None:
    assert propose("", tags=["Ir191"]).kind is Kind.DNA_STAIN
    assert propose("", tags=["Xe131"]).keep is False
    assert propose("", tags=["Sm147"]).marker == "Sm147"


def test_accessions_that_spora_io_passes_over_are_reported() -> None:
    assert is_read_by_spora("P08575-4")
    assert not is_read_by_spora("A0A5B9")
    proposal = propose("TRDC")
    assert proposal.uniprot_id == "B7Z8K6"
    assert "does not look up B7Z8K6" in proposal.note


def test_a_repeated_dna_stain_is_kept_once() -> None:
    panel = propose_panel(["DAPI-01", "CD4", "DAPI-02", "DAPI-03"])
    assert [(p.marker, p.keep) for p in panel] == [("DAPI", True), ("CD4", True), ("DAPI_2", False), ("DAPI_2", False)]
    assert "only the first is kept" in panel[2].note


def test_the_two_iridium_isotopes_are_both_kept() -> None:
    assert [(p.marker, p.keep) for p in propose_panel(["DNA1", "DNA2"])] == [("DNA1", True), ("DNA2", True)]
    assert [(p.marker, p.keep) for p in propose_panel(["191Ir", "193Ir"])] == [("DNA1", True), ("DNA2", True)]


def test_two_antibodies_against_one_protein_get_different_names() -> None:
    panel = propose_panel(["CD68 (KP1)", "CD68 (PG-M1)"])
    assert [p.marker for p in panel] == ["CD68", "CD68_2"]
    assert panel[1].uniprot_id == "P34810"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("141Pr", "Pr141"),
        ("Pr141Di", "Pr141"),
        ("In113", "In113"),
        ("Pr150", None),
        ("CD38", None),
        ("I127", "I127"),
        ("Er", None),
    ],
)
def test_metals(text: str, name: str | None) -> None:
    assert metal(text) == name


@given(st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_gets_a_usable_name(label: str) -> None:
    proposal = propose(label)
    assert proposal.marker
    assert not FORBIDDEN.search(proposal.marker)
    assert proposal.marker == proposal.marker.strip()


@given(
    st.lists(st.sampled_from(["DAPI", "dapi-2", "CD3", "cd3", "CD68", "Blank", "x", "X", "CD68_2", ""]), max_size=12)
)
@settings(max_examples=200, deadline=None)
def test_names_of_kept_channels_differ_in_more_than_letter_case(labels: list[str]) -> None:
    kept = [p.marker.casefold() for p in propose_panel(labels) if p.keep]
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize(
    ("label", "marker"),
    [
        ("SMA-2", "ACTA2"),
        ("anti-CD4", "CD4"),
        ("ER (SP1)", "ESR1"),
        ("AFRemoved_DAPI_003", "DAPI"),
        ("TIM-1", "HAVCR1"),
        ("100Ru", "Ruthenium"),
        ("Cycle5_DAPI", "DAPI"),
        ("PE anti-human CD10 Antibody", "MME"),
        ("Alexa Fluor® 532 Recombinant Anti-CD31 antibody", "PECAM1"),
        ("ß-Catenin", "CTNNB1"),
        ("PDPN/gp38", "PDPN"),
        ("MUC-1/EMA", "MUC1"),
    ],
)
def test_labels_that_hide_their_name(label: str, marker: str) -> None:
    assert propose(label).marker == marker


@pytest.mark.parametrize("label", ["IDH1 R132H", "TF", "Lamin B2", "BRAF V600E", "HP"])
def test_mutants_and_very_short_names_are_left_open(label: str) -> None:
    assert (propose(label).confidence, propose(label).uniprot_id) == (Confidence.OPEN, "")
