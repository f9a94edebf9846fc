"""Panels of our own, of steinbock and of MCMICRO."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.model.modality import Modality
from spora_build.submission.panel import UNIPROT, PanelRow, read_panels
from spora_build.submission.values import parse_bool
from tests.submission.raw_folder import make_raw_folder

IMC, CYCIF, CODEX = Modality("imc"), Modality("cycif"), Modality("codex")


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)


def test_a_good_panel(tmp_path: Path) -> None:
    panels, problems = read_panels(make_raw_folder(tmp_path), {IMC})
    assert problems == []
    rows = panels[IMC].rows
    assert rows[0] == PanelRow(2, "Ir191", "Iridium", "", True, None, True, "DNA", {"clone": None})
    assert rows[1] == PanelRow(3, "Er170", "CD3E", "P07766", False, True, True, "", {"clone": "D7A6E"})
    assert rows[2] == PanelRow(4, "Nd143", "CD45RO", "P08575-4", False, None, True, "", {"clone": "UCHL1"})
    assert rows[3] == PanelRow(5, "Ar80", "", "", None, None, False, "", {"clone": None})


def test_steinbock(tmp_path: Path) -> None:
    write(tmp_path, "panel.csv", "channel,name,keep,ilastik,Tube Number\nAg107,Ag107,1,1,\nPr141,,0,,2266.0\n")
    panels, problems = read_panels(tmp_path, {IMC, Modality("he")})
    assert problems == []
    assert panels[IMC].file == "panel.csv"
    assert [(r.channel, r.marker, r.keep) for r in panels[IMC].rows] == [("Ag107", "Ag107", True), ("Pr141", "", False)]


def test_mcmicro(tmp_path: Path) -> None:
    write(
        tmp_path, "markers.csv", "channel_number,cycle_number,marker_name,remove\n1,1,DNA_1,\n2,1,AF,TRUE\n3,1,CD4,\n"
    )
    panels, problems = read_panels(tmp_path, {CODEX})
    assert problems == []
    rows = panels[CODEX].rows
    assert [(r.channel, r.marker, r.keep) for r in rows] == [("", "DNA_1", True), ("", "AF", False), ("", "CD4", True)]
    assert rows[0].metadata == {"channel_number": "1", "cycle_number": "1"}


def test_each_plain_panel_finds_its_home(tmp_path: Path) -> None:
    write(tmp_path, "markers.csv", "marker_name\nDNA\n")
    write(tmp_path, "panel.csv", "channel,name\nIr191,DNA\n")
    panels, problems = read_panels(tmp_path, {IMC, CYCIF})
    assert problems == []
    assert {m.name: p.file for m, p in panels.items()} == {"imc": "panel.csv", "cycif": "markers.csv"}


@pytest.mark.parametrize(
    "header",
    ["channel,name,keep,ilastik,deepcell", "Metal Tag,Target,full,ilastik,Clone", "channel,marker,keep,name,x"],
)
def test_layouts_of_other_programs_under_our_name(tmp_path: Path, header: str) -> None:
    write(tmp_path, "panel_imc.csv", f"{header}\nPr141,CD38,1,1,\nXe131,,0,,\n")
    panels, problems = read_panels(tmp_path, {IMC})
    assert problems == []
    rows = panels[IMC].rows
    assert [(r.channel, r.marker, r.keep) for r in rows] == [("Pr141", "CD38", True), ("Xe131", "", False)]


def test_mcmicro_under_our_name(tmp_path: Path) -> None:
    write(tmp_path, "panel_codex.csv", "channel_number,cycle_number,marker_name,remove\n1,1,DNA_1,\n2,1,AF,TRUE\n")
    panels, problems = read_panels(tmp_path, {CODEX})
    assert problems == []
    assert [(r.channel, r.marker, r.keep) for r in panels[CODEX].rows] == [("", "DNA_1", True), ("", "AF", False)]


@pytest.mark.parametrize("word", ["true", "TRUE", "Yes", "1", "1.0", "x", "X", "ja", "oui", "WAHR", "✓", "y"])
def test_yes(word: str) -> None:
    assert parse_bool(word) is True


@pytest.mark.parametrize("word", ["false", "FALSE", "No", "0", "0.0", "nein", "non", "FALSCH", "n"])
def test_no(word: str) -> None:
    assert parse_bool(word) is False


@pytest.mark.parametrize("accession", ["P07766", "A0A5B9", "A2BC19", "A0A022YWF9", "P08575-4", "Q9P2W7", "B7Z8K6"])
def test_accessions(accession: str) -> None:
    assert UNIPROT.fullmatch(accession)


@pytest.mark.parametrize(
    "text", ["CD3E", "P0776", "P077666", "1P0776", "P07766-", "P07766-0", "ENSG00000198851", "A0A022YWF"]
)
def test_no_accessions(text: str) -> None:
    assert not UNIPROT.fullmatch(text)


@pytest.mark.realdata
def test_real_steinbock_panel(sample_data: Path) -> None:
    panels, problems = read_panels(sample_data / "imc-bodenmiller" / "steinbock", {IMC})
    assert problems == []
    assert [(r.channel, r.marker, r.keep) for r in panels[IMC].rows][:3] == [
        ("Ag107", "Ag107", True),
        ("Pr141", "Cytokeratin 5", True),
        ("Sm147", "Laminin", True),
    ]


@pytest.mark.realdata
def test_real_panel_of_the_imc_segmentation_pipeline(sample_data: Path) -> None:
    panels, problems = read_panels(sample_data / "imc-bodenmiller", {IMC})
    assert problems == []
    first = panels[IMC].rows[0]
    assert (first.channel, first.marker, first.keep) == ("Sm147", "Laminin", True)
