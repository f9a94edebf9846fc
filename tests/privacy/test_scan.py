"""The proof by bytes: tokens planted in every kind of place are found, and chance is told from proof."""

from __future__ import annotations

import gzip
import json
import os
import random
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.privacy.crosswalk import Crosswalk, TissueRequest
from spora_build.privacy.pseudonym import IdScheme
from spora_build.privacy.scan import ScanReport, scan_tree
from spora_build.privacy.tokens import Token, TokenSet, crosswalk_tokens

SECRET = "HN-0042/Müller"
TOKENS = [
    Token(SECRET, "crosswalk row 3 (patient)", True),
    Token("HN42", "crosswalk row 4 (patient)", True),
    Token("7", "crosswalk row 5 (patient)", False),
    Token("4711234", "crosswalk row 6 (patient)", True),
]


def clean_tree(root: Path) -> Path:
    (root / "metadata").mkdir(parents=True)
    (root / "imc" / "1_0mpp" / "images" / "d_abcdefgh_0000.ome.zarr" / "0" / "c").mkdir(parents=True)
    chunk = root / "imc" / "1_0mpp" / "images" / "d_abcdefgh_0000.ome.zarr" / "0" / "c" / "0"
    chunk.write_bytes(random.Random(1).randbytes(300_000))
    (chunk.parent.parent / "zarr.json").write_text(json.dumps({"shape": [3, 70, 17], "attributes": {"a": "x7"}}))
    table = pd.DataFrame({"tissue_id": ["d_abcdefgh_0000"], "grade": ["17"], "cell_id": [7], "mpp": [0.7]})
    table.to_parquet(root / "metadata" / "tissues.parquet")
    np.savez_compressed(root / "metadata" / "mask.npz", mask=np.arange(9000, dtype=np.uint32).reshape(90, 100))
    return root


def test_a_clean_tree_has_no_leaks_and_the_report_says_what_was_read(tmp_path: Path) -> None:
    report = scan_tree(clean_tree(tmp_path / "d"), TOKENS)
    assert report.leaks == ()
    assert (report.tokens, report.files, report.tables, report.members, report.unread) == (4, 4, 1, 1, ())
    assert report.bytes_read > 300_000 + 36_000


def in_parquet_value(root: Path) -> None:
    pd.DataFrame({"batch": ["a", f"from {SECRET}"]}).to_parquet(root / "metadata" / "x.parquet", compression="zstd")


def in_parquet_category(root: Path) -> None:
    table = pd.DataFrame({"batch": pd.Categorical(["b", SECRET.upper().replace("Ü", "ü")])})
    table.to_parquet(root / "metadata" / "x.parquet")


def in_parquet_list(root: Path) -> None:
    pd.DataFrame({"batch": [["b"], [SECRET]]}).to_parquet(root / "metadata" / "x.parquet")


def in_parquet_column_name(root: Path) -> None:
    pd.DataFrame({SECRET: [1]}).to_parquet(root / "metadata" / "x.parquet")


def in_parquet_metadata(root: Path) -> None:
    table = pd.DataFrame({"a": [1]})
    table.attrs["source"] = SECRET
    table.to_parquet(root / "metadata" / "x.parquet")


def in_integers(root: Path) -> None:
    pd.DataFrame({"batch": [1, 4711234]}).to_parquet(root / "metadata" / "x.parquet")


def in_integers_beside_missing_ones(root: Path) -> None:
    pd.DataFrame({"batch": [None, 4711234]}).to_parquet(root / "metadata" / "x.parquet")


def in_zarr_attributes(root: Path) -> None:
    (root / "imc" / "zarr.json").write_text(json.dumps({"attributes": {"who": [{"name": SECRET}]}}))


def in_file_name(root: Path) -> None:
    (root / "imc" / "hn-0042").mkdir()
    (root / "imc" / "hn42.ome.zarr").mkdir()


def in_link(root: Path) -> None:
    (root / "imc" / "link").symlink_to("/raw/HN42/core.tif")


def in_bytes_across_blocks(root: Path) -> None:
    (root / "imc" / "blob").write_bytes(b"\0" * ((8 << 20) - 5) + SECRET.encode() + b"\0" * 9)


def in_utf16(root: Path) -> None:
    (root / "imc" / "blob").write_bytes(b"\xff" * 11 + SECRET.encode("utf-16-le"))


def in_npz(root: Path) -> None:
    np.savez_compressed(root / "imc" / "m.npz", mask=np.zeros(3), note=np.array([SECRET.encode() * 3]))


def in_npz_member_name(root: Path) -> None:
    with zipfile.ZipFile(root / "imc" / "m.npz", "w") as archive:
        archive.writestr("HN42.npy", b"")


def in_html(root: Path) -> None:
    (root / "report.html").write_text(f"<p>{SECRET}</p>", encoding="utf-8")


@pytest.mark.parametrize(
    "plant",
    [
        in_parquet_value,
        in_parquet_category,
        in_parquet_list,
        in_parquet_column_name,
        in_parquet_metadata,
        in_integers,
        in_integers_beside_missing_ones,
        in_zarr_attributes,
        in_file_name,
        pytest.param(in_link, marks=pytest.mark.skipif(os.name != "posix", reason="links need POSIX")),
        in_bytes_across_blocks,
        in_utf16,
        in_npz,
        in_npz_member_name,
        in_html,
    ],
)
def test_a_planted_identifier_is_found_and_not_shown(plant: Callable[[Path], None], tmp_path: Path) -> None:
    root = clean_tree(tmp_path / "d")
    plant(root)
    report = scan_tree(root, TOKENS)
    assert [leak for leak in report.leaks if leak.is_certain], plant.__name__
    assert all(leak.problem().code == "E-PRIV-020" for leak in report.leaks if leak.is_certain)
    shown = (repr(report) + "".join(str(leak.problem()) for leak in report.leaks)).lower()
    for text in ("0042", "hn42", "4711234", "ller"):
        assert text not in shown


def test_the_root_itself_counts(tmp_path: Path) -> None:
    report = scan_tree(clean_tree(tmp_path / "hn42"), TOKENS)
    assert [leak.file for leak in report.leaks] == ["<hidden>"]


def test_short_tokens_count_only_as_whole_values(tmp_path: Path) -> None:
    root = clean_tree(tmp_path / "d")
    pd.DataFrame({"grade": ["7", "17"]}).to_parquet(root / "metadata" / "x.parquet")
    (leak,) = scan_tree(root, TOKENS).leaks
    assert (leak.token, leak.is_certain, leak.problem().code) == ("crosswalk row 5 (patient)", False, "W-PRIV-021")


def test_words_of_four_letters_stand_alone() -> None:
    tokens = TokenSet(TOKENS)
    assert tokens.in_text("core hn42, left")
    assert tokens.in_text("HN42_left")
    assert not tokens.in_text("xhn42")
    assert not tokens.in_text("hn421")
    assert not tokens.in_bytes(b"core hn42, left"), "four bytes are in every large file by chance"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    root = clean_tree(tmp_path / "d")
    (root / "metadata" / "broken.parquet").write_bytes(b"PAR1 no table")
    (root / "metadata" / "broken.npz").write_bytes(b"no archive")
    (root / "metadata" / "zarr.json").write_text("{")
    assert scan_tree(root, TOKENS).unread == (
        "d/metadata/broken.npz", "d/metadata/broken.parquet", "d/metadata/zarr.json",
    )  # fmt: skip


@given(
    st.lists(st.text("abAB01é-", min_size=6, max_size=9), min_size=1, max_size=6),
    st.binary(max_size=60),
    st.text("abAB01é-", max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_bytes_are_searched_as_a_plain_search_would(texts: list[str], noise: bytes, text: str) -> None:
    tokens = [Token(one, str(number), True) for number, one in enumerate(texts)]
    data = noise + text.encode() + noise
    found = {token.text for token in TokenSet(tokens).in_bytes(data)}
    lowered = {one.strip().encode().lower(): one for one in texts}
    wanted = {raw for raw in lowered if raw in data.lower() or raw.decode().encode("utf-16-le") in data.lower()}
    assert {one.encode().lower() for one in found} == wanted


def test_tokens_of_a_crosswalk_are_named_by_row() -> None:
    crosswalk, _ = Crosswalk().assign(
        [TissueRequest("P1", "batch1/20210305_mock_001.ome.tiff#2", "B-778")],
        dataset="smith2023novel",
        scheme=IdScheme.RANDOM,
        key=None,
    )
    tokens = {token.text: token for token in crosswalk_tokens(crosswalk)}
    assert set(tokens) == {
        "P1", "B-778", "batch1/20210305_mock_001.ome.tiff#2", "20210305_mock_001.ome.tiff", "20210305_mock_001",
    }  # fmt: skip
    assert tokens["P1"].name == "crosswalk row 3 (patient)"
    assert [text for text, token in tokens.items() if not token.is_certain] == ["P1"]
    assert "B-778" not in repr(tokens["B-778"])


def test_thousands_of_tokens_are_looked_for_at_once(tmp_path: Path) -> None:
    root = clean_tree(tmp_path / "d")
    many = [Token(f"patient-{number:06d}", str(number), True) for number in range(5000)]
    (root / "imc" / "large").write_bytes(random.Random(2).randbytes(20 << 20) + b"Patient-004999")
    report: ScanReport = scan_tree(root, many)
    assert [leak.token for leak in report.leaks] == ["4999"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("spell", [str, str.upper, str.lower], ids=["as it is", "upper", "lower"])
def test_letter_case_accents_and_encodings_hide_nothing(
    tmp_path: Path, encoding: str, form: Literal["NFC", "NFD"], spell: Callable[[str], str]
) -> None:
    text = unicodedata.normalize(form, spell("Łukaš Žďár-Ünal É77" if encoding != "latin-1" else "José Ünal É77"))
    if encoding == "latin-1" and form == "NFD":
        return  # it has no accents of their own
    token = Token("Łukaš Žďár-Ünal É77" if encoding != "latin-1" else "José Ünal É77", "crosswalk row 9", True)
    (tmp_path / "blob.bin").write_bytes(b"\0\xff" * 999 + text.encode(encoding) + b"\0" * 5)
    assert [leak.where for leak in scan_tree(tmp_path, [token]).leaks] == ["bytes"]
    (tmp_path / "blob.bin").unlink()
    (tmp_path / "table.csv").write_text(f"a\n{text}\n", encoding="utf-8")
    assert "text" in [leak.where for leak in scan_tree(tmp_path, [token]).leaks]


def test_archives_of_other_programs_are_opened(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "notes.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:t>{SECRET}</w:t>" * 9)
    with gzip.open(tmp_path / "cells.csv.gz", "wb") as stream:
        stream.write(f"a\n{SECRET}\n".encode() * 9)
    (tmp_path / "torn.gz").write_bytes((tmp_path / "cells.csv.gz").read_bytes()[:-9])
    report = scan_tree(tmp_path, TOKENS)
    assert {(leak.file.split("/")[1], leak.where) for leak in report.leaks} >= {
        ("notes.docx", "member"),
        ("cells.csv.gz", "decompressed"),
    }
    assert [file.split("/")[1] for file in report.unread] == ["torn.gz"]
