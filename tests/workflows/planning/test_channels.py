"""Planes of a raw image matched with a panel."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from spora_build.errors import Place
from spora_build.model.channel import Channel, Panel
from spora_build.model.modality import Modality
from spora_build.submission.panel import PanelRow, PanelSheet
from spora_build.workflows.planning.channels import (
    match_channels,
    number_repeats,
    panel_channel,
    panels_that_load_nothing,
    unlisted_channel,
)

PLACE = Place(file="core.tif")


def sheet(*rows: tuple[str, str, bool]) -> PanelSheet:
    return PanelSheet(
        Modality("imc"),
        "panel_imc.csv",
        tuple(
            PanelRow(row=number, channel=channel, marker=marker, keep=keep)
            for number, (channel, marker, keep) in enumerate(rows, start=2)
        ),
    )


def codes(match: object) -> list[str]:
    return [problem.code for problem in match.problems]  # type: ignore[attr-defined]


def test_by_name_in_panel_order_without_those_not_kept() -> None:
    match = match_channels(
        ["Ar80", "CD3", "DNA1"], 3, sheet(("dna1 ", "DNA", True), ("CD3", "CD3E", True), ("Ar80", "", False)), PLACE
    )
    assert match.indices == (2, 1)
    assert match.names == ("DNA", "CD3E")
    assert match.problems == ()


def test_channels_that_the_panel_does_not_list_are_an_error() -> None:
    match = match_channels(["CD3", "CD4"], 2, sheet(("CD3", "CD3E", True)), PLACE)
    assert codes(match) == ["E-PANEL-101"]
    assert "'CD4'" in match.problems[0].what


def test_a_tissue_may_lack_a_channel() -> None:
    match = match_channels(["CD4"], 1, sheet(("CD3", "CD3E", True), ("CD4", "CD4", True)), PLACE)
    assert match.names == ("CD4",)
    assert match.problems == ()


@pytest.mark.parametrize(("count", "indices"), [(3, (0, 2)), (2, (0, 1))])
def test_by_position_where_the_file_names_nothing(count: int, indices: tuple[int, ...]) -> None:
    match = match_channels([], count, sheet(("a", "A", True), ("b", "", False), ("c", "C", True)), PLACE)
    assert match.indices == indices
    assert match.names == ("A", "C")


def test_unlike_names_are_matched_by_position_with_a_warning() -> None:
    match = match_channels(["Channel:0:0", "Channel:0:1"], 2, sheet(("a", "A", True), ("b", "B", True)), PLACE)
    assert match.indices == (0, 1)
    assert codes(match) == ["W-PANEL-104"]


@pytest.mark.parametrize(("names", "count", "code"), [([], 5, "E-PANEL-103"), (["x"] * 5, 5, "E-PANEL-103")])
def test_counts_that_differ_are_an_error(names: Sequence[str], count: int, code: str) -> None:
    assert codes(match_channels(names, count, sheet(("a", "A", True), ("b", "B", True)), PLACE)) == [code]


def test_without_a_panel_the_names_of_the_file_are_taken() -> None:
    assert match_channels(["DAPI", "CD3", "DAPI"], 3, None, PLACE).names == ("DAPI", "CD3", "DAPI (2)")
    assert codes(match_channels([], 3, None, PLACE)) == ["E-PANEL-102"]


def test_a_panel_that_keeps_nothing_is_an_error() -> None:
    assert codes(match_channels(["a"], 1, sheet(("a", "", False)), PLACE)) == ["E-PANEL-105"]
    assert codes(match_channels([], 1, sheet(("a", "", False)), PLACE)) == ["E-PANEL-105"]


def test_repeats_are_numbered() -> None:
    assert number_repeats(["A", "B", "A", "A"]) == ("A", "B", "A (2)", "A (3)")


def test_a_panel_may_name_the_metals_of_the_file() -> None:
    panel = sheet(("Pr141", "CD38", True), ("142Nd", "CD4", True), ("DNA1", "DNA1", True))
    match = match_channels(["x_651((3356))Pr141", "y", "DNA1"], 3, panel, PLACE, ["Pr141", "Nd142", "Ir191"])
    assert match.indices == (0, 1, 2)
    assert match.names == ("CD38", "CD4", "DNA1")
    assert match.problems == ()


def test_a_name_goes_before_a_metal() -> None:
    """A lab may have called one channel as another's metal."""
    match = match_channels(["Nd142", "b"], 2, sheet(("Nd142", "A", True), ("b", "B", True)), PLACE, ["Pr141", "Nd142"])
    assert match.indices == (0, 1)


def test_two_rows_for_one_plane_are_an_error() -> None:
    match = match_channels(["CD38"], 1, sheet(("CD38", "A", True), ("Pr141", "B", True)), PLACE, ["Pr141"])
    assert codes(match) == ["E-PANEL-106"]


def test_a_panel_that_does_not_say_what_stains_the_nucleus_is_helped_where_there_is_no_doubt() -> None:
    rows = sheet(("Ir191", "DNA1", True), ("a", "CD4", True), ("b", "Histone H4", True)).rows
    assert [panel_channel(row).is_nuclear_marker for row in rows] == [True, False, False]
    said = PanelRow(row=2, channel="DAPI", marker="DAPI", is_nuclear_marker=False)
    assert panel_channel(said).is_nuclear_marker is False


def test_without_a_panel_only_sure_accessions_are_written() -> None:
    channels = [unlisted_channel(name) for name in ("CD45RO", "CD8", "HLA-DR", "DAPI (2)")]
    assert [c.uniprot_id for c in channels] == ["P08575-4", "", "", ""]
    assert [c.is_nuclear_marker for c in channels] == [False, False, False, True]
    assert [c.name for c in channels] == ["CD45RO", "CD8", "HLA-DR", "DAPI (2)"]
    assert codes(match_channels(["CD4"], 1, None, PLACE)) == ["W-PANEL-107"]


@pytest.mark.parametrize(
    ("accessions", "warned"),
    [(("", ""), True), (("A0A5B9", ""), True), (("", "P07766"), False), (("P08575-4",), False)],
)
def test_a_panel_that_the_reader_would_drop_whole_is_warned_of(accessions: tuple[str, ...], warned: bool) -> None:
    channels = tuple(Channel(f"M{n}", f"m{n}", accession) for n, accession in enumerate(accessions))
    problems = panels_that_load_nothing([Panel(Modality("mibi"), channels)])
    assert [(p.code, p.place.file) for p in problems] == [("W-PANEL-108", "panel_mibi.csv")] * warned
