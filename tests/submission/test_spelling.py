"""Near misses."""

from __future__ import annotations

import pytest

from spora_build.submission.spelling import closest, looks_rewritten, loose_identifier


@pytest.mark.parametrize(
    "same", [("P01", "p-1", "P 001", "p_01", "P1"), ("Müller-3", "muller03"), ("17_5", "017-05", "17 5")]
)
def test_spellings_of_one_identifier(same: tuple[str, ...]) -> None:
    assert len({loose_identifier(text) for text in same}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("17_5", "175"), ("P1", "P10"), ("P1", "Q1"), ("1_70", "17_0"), ("P01", "P01A"), ("0", "00_1")]
)
def test_different_identifiers(one: str, other: str) -> None:
    assert loose_identifier(one) != loose_identifier(other)


@pytest.mark.parametrize("text", ["1.2E+10", "1,23E+5", "4e+12", "2-Mar", "9-Sep", "Sep-19", "1-mär"])
def test_rewritten_by_a_spreadsheet(text: str) -> None:
    assert looks_rewritten(text)


@pytest.mark.parametrize("text", ["P01", "12", "175_170", "SEPT9", "MARCH1", "E10", "3E4", "1-ABC", "Ki-67"])
def test_not_rewritten(text: str) -> None:
    assert not looks_rewritten(text)


def test_closest() -> None:
    assert closest("SIZE", ["sizes", "stride"]) == "sizes"
    assert closest("zzz", ["sizes", "stride"]) is None
