"""Pseudonyms: published vectors, an independent derivation, no bias, near spellings."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.errors import PrivacyError
from spora_build.model.names import PATIENT_ID
from spora_build.privacy.pseudonym import (
    IdKind,
    IdScheme,
    keyed_code,
    letters,
    near_duplicates,
    normalise_raw_id,
    random_code,
    scheme_warning,
    spora_code,
)

SECRET = bytes(range(32))


@pytest.mark.parametrize(("raw", "code"), [("175_170", "ocmzljpb"), ("CRC01", "zupwxfxb"), ("CRC29", "aijcgfvk")])
def test_spora_codes_are_those_of_the_published_datasets(raw: str, code: str) -> None:
    assert spora_code(raw, IdKind.PATIENT) == code


def keyed_by_hand(secret: bytes, message: bytes) -> str:
    """RFC 2104 written out, and rejection sampling by a loop."""
    padded = secret.ljust(64, b"\0") if len(secret) <= 64 else hashlib.sha256(secret).digest().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    digest = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()
    code = ""
    for byte in digest:
        if byte < 234 and len(code) < 8:
            code += "abcdefghijklmnopqrstuvwxyz"[byte % 26]
    return code


@given(st.binary(min_size=32, max_size=80), st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
@settings(max_examples=200)
def test_keyed_codes_follow_the_documented_recipe(secret: bytes, text: str) -> None:
    assert keyed_code(secret, text, IdKind.PATIENT) == keyed_by_hand(secret, text.encode())
    assert keyed_code(secret, text, IdKind.BIOPSY) == keyed_by_hand(secret, b"biopsy\0" + text.encode())


def test_codes_have_another_stream_when_a_digest_is_not_enough() -> None:
    assert letters([bytes([255] * 30 + [0, 1]), bytes([234, 25, 26, 27, 233, 4, 5])]) == "abzabzef"


def test_every_letter_is_equally_likely() -> None:
    codes = [keyed_code(SECRET, f"patient {number}", IdKind.PATIENT) for number in range(30_000)]
    for position in range(8):
        seen = Counter(code[position] for code in codes)
        expected = len(codes) / 26
        chi_square = sum((seen[chr(97 + letter)] - expected) ** 2 / expected for letter in range(26))
        # 25 degrees of freedom: 52.6 is the 0.999 quantile; byte % 26 without rejection gives about 350 here
        assert chi_square < 60


def test_the_same_text_has_unrelated_codes_for_different_kinds_and_keys() -> None:
    codes = {keyed_code(secret, "P01", kind) for secret in (SECRET, SECRET[::-1]) for kind in IdKind}
    assert len(codes) == 6
    assert len({spora_code("P01", kind) for kind in IdKind}) == 3


def test_only_the_unkeyed_scheme_warns() -> None:
    assert [str(scheme) for scheme in IdScheme if scheme_warning(scheme) is not None] == ["spora"]


def test_short_ids_of_the_unkeyed_scheme_are_found_by_trying() -> None:
    """Why it warns: the published id of CRC29 gives its raw id away."""
    assert [f"CRC{n:02d}" for n in range(100) if spora_code(f"CRC{n:02d}", IdKind.PATIENT) == "aijcgfvk"] == ["CRC29"]


def test_random_codes_look_like_the_others_and_do_not_repeat() -> None:
    codes = [random_code() for _ in range(500)]
    assert len(set(codes)) == 500
    assert all(PATIENT_ID.match(code) for code in codes)


def test_spellings_of_one_text_are_one_id_except_where_the_authors_hash_the_text_as_it_is() -> None:
    composed, decomposed = "Jos\u00e9", "Jose\u0301 "
    assert normalise_raw_id(decomposed, IdScheme.KEYED) == composed
    assert normalise_raw_id(decomposed, IdScheme.SPORA) == decomposed


@pytest.mark.parametrize("raw", ["", "  ", "P\x0001", "P\n01", "P\ud80001"])
@pytest.mark.parametrize("scheme", IdScheme)
def test_unusable_ids_are_refused_without_being_shown(raw: str, scheme: IdScheme) -> None:
    with pytest.raises(PrivacyError, match="E-ID-001") as caught:
        normalise_raw_id(raw, scheme)
    assert "01" not in str(caught.value).replace("E-ID-001", "")


@pytest.mark.parametrize(
    ("ids", "groups"),
    [
        (["P01", "Q7", "p01 ", "P-01", "Q8"], [(0, 2, 3)]),
        (["P1", "P01", "P10"], [(0, 1)]),
        (["1-11", "11-1", "111"], []),
        (["P01", "P01 ", "P01"], []),
        (["Müller 3", "Muller3"], [(0, 1)]),
        (["A", "B"], []),
        (["--", "__"], []),
    ],
)
def test_near_duplicates(ids: list[str], groups: list[tuple[int, ...]]) -> None:
    assert near_duplicates(ids) == groups
