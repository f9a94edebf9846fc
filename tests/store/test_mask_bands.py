"""Masks read in bands are the masks that numpy reads whole."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from spora_build.errors import InvalidDataError
from spora_build.store.mask import write_mask
from spora_build.store.mask_bands import read_mask_bands


@pytest.mark.parametrize("rows", [None, 1, 7, 100, 1000])
@pytest.mark.parametrize("dtype", [bool, np.uint16, np.uint32])
def test_bands_make_up_the_mask(tmp_path: Path, rows: int | None, dtype: type) -> None:
    mask = np.random.default_rng(1).integers(0, 2, (100, 33)).astype(dtype)
    write_mask(tmp_path / "m.npz", mask)
    bands = [band.copy() for band in read_mask_bands(tmp_path / "m.npz", rows)]
    assert np.array_equal(np.concatenate(bands), mask)
    assert all(band.dtype == mask.dtype for band in bands)
    assert {len(band) for band in bands[:-1]} <= {rows}


def test_numpys_own_files_and_column_order_are_read(tmp_path: Path) -> None:
    mask = np.random.default_rng(1).random((50, 40)) < 0.5
    np.savez_compressed(tmp_path / "c.npz", mask=mask)
    np.savez(tmp_path / "plain.npz", mask=mask)
    np.savez_compressed(tmp_path / "f.npz", mask=np.asfortranarray(mask))
    for name in ("c", "plain", "f"):
        bands = [band.copy() for band in read_mask_bands(tmp_path / f"{name}.npz", 8)]
        assert np.array_equal(np.concatenate(bands), mask)


def test_one_wrong_byte_anywhere_in_the_pixels_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    write_mask(path, np.random.default_rng(1).random((300, 300)) < 0.5)
    whole = path.read_bytes()
    for at in range(100, len(whole) - 200, len(whole) // 60):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(InvalidDataError):
            list(read_mask_bands(path, 16))


def test_damage_is_reported_wherever_it_is(tmp_path: Path) -> None:
    good = tmp_path / "good.npz"
    write_mask(good, np.random.default_rng(1).random((300, 300)) < 0.5)
    whole = good.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    (tmp_path / "flipped.npz").write_bytes(damaged)
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("not a mask")
    np.savez_compressed(tmp_path / "key.npz", other=np.ones((3, 3), bool))
    np.savez_compressed(tmp_path / "cube.npz", mask=np.ones((3, 3, 3), bool))
    with zipfile.ZipFile(tmp_path / "short.npz", "w") as archive:
        head = np.lib.format.magic(1, 0)
        archive.writestr("mask.npy", head + b"\x10\x00{'descr': '|b1' ")
    for name in ("flipped", "cut", "text", "key", "cube", "short", "absent"):
        with pytest.raises(InvalidDataError) as caught:
            list(read_mask_bands(tmp_path / f"{name}.npz", 16))
        assert caught.value.problems[0].code == "E-MASK-001"
        assert str(tmp_path) not in str(caught.value)
