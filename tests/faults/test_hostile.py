"""Arrays that promise too much, pipes for images, settings without end: refused before they cost anything."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile

from spora_build.errors import InvalidDataError, UnreadableFileError
from spora_build.readers import find_reader, open_rois
from spora_build.store.array_promise import memory_budget, promised_bytes
from spora_build.submission.settings import load_settings
from spora_build.submission.settings_types import Cells
from spora_build.workflows.cells.mask_file import open_cell_mask
from spora_build.workflows.masks.user_mask import open_user_mask


def header(shape: tuple[int, ...], dtype: str) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def bomb(path: Path, shape: tuple[int, ...], *, held: int) -> Path:
    """An ``.npz`` or ``.npy`` whose header says ``shape`` and that holds so many bytes."""
    if path.suffix == ".npy":
        path.write_bytes(header(shape, "|u1") + bytes(held))
        return path
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("mask.npy", "w") as member:
        member.write(header(shape, "|u1"))
        member.write(bytes(held))
    return path


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_an_array_that_holds_less_than_it_says(tmp_path: Path, suffix: str) -> None:
    path = bomb(tmp_path / f"mask{suffix}", (10**6, 10**6), held=1000)
    with pytest.raises(ValueError, match="shorter"):
        promised_bytes(path)
    with pytest.raises(InvalidDataError, match="E-MASK-014"), open_user_mask(path, "mask"):
        pass
    with pytest.raises(InvalidDataError, match="E-CELLS-010"), open_cell_mask(path, "mask", Cells()):
        pass


def test_an_array_that_is_too_large_to_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bomb(tmp_path / "mask.npz", (2000, 2000), held=4_000_000)
    assert path.stat().st_size < 10_000
    assert promised_bytes(path) == 4_000_000
    for module in ("masks.user_mask", "cells.mask_file"):
        monkeypatch.setattr(f"spora_build.workflows.{module}.memory_budget", lambda: 3_999_999)
    with pytest.raises(InvalidDataError, match="E-MASK-017"), open_user_mask(path, "mask"):
        pass
    with pytest.raises(InvalidDataError, match="E-CELLS-018"), open_cell_mask(path, "mask", Cells()):
        pass


def test_the_budget_knows_the_limit_of_the_process() -> None:
    assert 2**28 < memory_budget() < 2**50


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_nothing_is_unpickled(tmp_path: Path, suffix: str) -> None:
    """An array of objects that would leave a file behind if it were."""
    witness = tmp_path / "witness"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(witness),)

    path = tmp_path / f"mask{suffix}"
    array = np.array([[Trap()]], dtype=object)
    np.savez(path, mask=array) if suffix == ".npz" else np.save(path, array, allow_pickle=True)
    with pytest.raises(InvalidDataError), open_user_mask(path, "mask"):
        pass
    with pytest.raises(InvalidDataError), open_cell_mask(path, "mask", Cells()):
        pass
    assert not witness.exists()


def test_a_header_of_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "mask.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + (2**32 - 1).to_bytes(4, "little") + bytes(100))
    with pytest.raises(ValueError):
        promised_bytes(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
def test_a_pipe_is_no_image_and_no_channel(tmp_path: Path) -> None:
    for suffix in (".tif", ".svs", ".mcd", ".txt", ".png", ".npz"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        assert find_reader(tmp_path / f"pipe{suffix}") is None
        with pytest.raises(UnreadableFileError), open_rois(tmp_path / f"pipe{suffix}"):
            pass
    folder = tmp_path / "field"
    folder.mkdir()
    for name in ("CD3", "CD8"):
        tifffile.imwrite(folder / f"{name}.tif", np.ones((20, 20), np.uint8), metadata=None)
    os.mkfifo(folder / "CD4.tif")
    with open_rois(folder) as rois:
        assert rois[0].channel_names == ("CD3", "CD8")


def test_a_channel_from_elsewhere_is_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "field"
    folder.mkdir(parents=True)
    for place in (folder / "CD3.tif", folder / "CD8.tif", tmp_path / "secret.tif"):
        tifffile.imwrite(place, np.ones((20, 20), np.uint8), metadata=None)
    (folder / "CD4.tif").symlink_to(tmp_path / "secret.tif")
    with open_rois(folder) as rois:
        assert rois[0].channel_names == ("CD3", "CD8")


@pytest.mark.parametrize("content", [b"a=" + b"[" * 100_000, b"#" * 5_000_000, b"a=" + b"1" * 5_000])
def test_settings_without_end(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spora.toml").write_bytes(content)
    problems = load_settings(tmp_path, {})[1]
    assert [problem.place.file for problem in problems] == ["spora.toml"]


def test_a_file_that_may_not_be_read_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.tif").write_bytes(b"")
    monkeypatch.setattr("spora_build.readers.os.access", lambda *_: False)  # root may read whatever the mode
    with pytest.raises(UnreadableFileError, match="E-READ-004"), open_rois(tmp_path / "a.tif"):
        pass
