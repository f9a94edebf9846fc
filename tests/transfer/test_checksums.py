"""The checksum file is sha256sum's, and holds nothing that leads out of a dataset."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from spora_build.transfer.checksums import digest_file, format_checksums, parse_checksums
from spora_build.transfer.listing import RemoteFile, compare


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
def test_sha256sum_agrees(tmp_path: Path) -> None:
    write(tmp_path, {"b": b"", "a/c": b"x" * 3_000_001})
    text = format_checksums({name: digest_file(tmp_path / name).sha256 for name in ("b", "a/c")})
    assert [line.split("  ")[1] for line in text.splitlines()] == ["a/c", "b"]
    (tmp_path / "sums").write_text(text)
    check = ["sha256sum", "--check", "--strict", "sums"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "b").write_bytes(b"y")
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_a_checksum_file_is_read_back() -> None:
    sums = {"metadata/a.parquet": "0" * 64, "he/b c": "f" * 64}
    assert parse_checksums(format_checksums(sums)) == sums


@pytest.mark.parametrize("path", ["../a", "/a", "a/../b", "a//b", "./a", "a\\b", "a/"])
def test_a_path_out_of_the_dataset_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not a checksum file"):
        parse_checksums(f"{'0' * 64}  {path}\n")


def test_what_is_not_known_to_be_equal_is_sent(tmp_path: Path) -> None:
    write(tmp_path, {name: name.encode() for name in ("same", "new", "larger", "other", "untold")})
    here = {path.name: digest_file(path) for path in tmp_path.iterdir()}
    there = {name: RemoteFile(digest.size, digest.md5) for name, digest in here.items() if name != "new"}
    there |= {"larger": RemoteFile(99, here["larger"].md5), "other": RemoteFile(5, "0" * 32)}
    there |= {"untold": RemoteFile(6, None), "gone": RemoteFile(1, None)}
    difference = compare(here, there)
    assert (difference.new, difference.same, difference.removed) == (("new",), ("same",), ("gone",))
    assert difference.changed == ("larger", "other", "untold")
    assert difference.due == ("larger", "new", "other", "untold")
