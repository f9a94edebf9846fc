"""Archives flushed piece by piece, against Python's zipfile."""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from shutil import which

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.store import pieced_zip
from spora_build.store.pieced_zip import DAMAGE, PIECE_BYTES, read_pieces, write_pieced_zip


def written(pieces: list[bytes], *, runs: bool = False) -> io.BytesIO:
    file = io.BytesIO()
    write_pieced_zip(file, "a.npy", pieces, runs=runs)
    return file


def read(file: io.BytesIO) -> bytes:
    with zipfile.ZipFile(file) as archive:
        member = archive.getinfo("a.npy")
    return b"".join(bytes(piece) for piece in read_pieces(file, member))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=8), st.booleans())
def test_zipfile_and_we_read_what_was_written(pieces: list[bytes], runs: bool) -> None:
    file = written(pieces, runs=runs)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.npy"]
        assert archive.read("a.npy") == b"".join(pieces)
    assert read(file) == b"".join(pieces)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3000)), min_size=1, max_size=300))
def test_runs_are_deflated_to_the_bytes_of_zlib(runs: list[tuple[int, int]]) -> None:
    values, lengths = np.array(runs).T
    data = np.repeat(values.astype(np.uint8), lengths).tobytes()
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    expected = compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH) + compressor.flush()
    assert expected in written([data], runs=True).getvalue()


def test_no_piece_needs_zlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise, runs and the flush mark itself among the data are all inflated piece by piece."""
    rng = np.random.default_rng(0)
    pieces = [
        rng.integers(0, 256, PIECE_BYTES, np.uint8).tobytes(),
        bytes(PIECE_BYTES),
        b"\x00\x00\xff\xff" * 1000,
        (rng.random(PIECE_BYTES) < 0.01).tobytes(),
        b"\x00\x00\xff\xff",
    ]
    file = written(pieces)
    stream = pieced_zip._inflate_stream
    starts = []

    def noted(source: io.BytesIO, at: int, end: int):  # type: ignore[no-untyped-def]
        starts.append(end - at)
        return stream(source, at, end)

    monkeypatch.setattr(pieced_zip, "_inflate_stream", noted)
    assert read(file) == b"".join(pieces)
    assert starts == [2]  # the empty block that ends the stream


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_archives_of_others_are_read(method: int) -> None:
    data = np.random.default_rng(0).integers(0, 4, 3 * PIECE_BYTES // 2, np.uint8).tobytes()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("a.npy", data)
    assert read(file) == data


def test_the_mark_of_ours_on_bytes_of_others_does_no_harm() -> None:
    """A tool that packs the member anew may keep the extra field."""
    data = np.random.default_rng(0).integers(0, 4, 3 * PIECE_BYTES // 2, np.uint8).tobytes()
    file = io.BytesIO()
    member = zipfile.ZipInfo("a.npy")
    member.compress_type = zipfile.ZIP_DEFLATED
    member.extra = pieced_zip._EXTRA
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(member, data)
    assert read(file) == data


def test_no_wrong_byte_passes() -> None:
    file = written([bytes(range(256)) * 4, b"abc" * 100, bytes(1000)])
    whole = file.getvalue()
    start, end = whole.index(b"a.npy") + 5 + 20, whole.index(b"PK\x01\x02")
    for at in range(start, end):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        with pytest.raises(DAMAGE):
            read(io.BytesIO(bytes(damaged)))


@pytest.mark.skipif(which("unzip") is None, reason="unzip is not installed")
def test_unzip_finds_no_fault(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.zip"
    path.write_bytes(written([b"abc" * 1000, b"d"]).getvalue())
    done = subprocess.run(["unzip", "-t", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
