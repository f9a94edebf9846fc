"""Masks on disk against numpy, whole and in bands."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spora_build.errors import InvalidDataError
from spora_build.store import mask as store_mask
from spora_build.store.mask import read_mask, read_mask_header, write_mask, write_mask_bands


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "uint32"])
def test_numpy_reads_what_was_written_and_back(tmp_path: Path, dtype: str) -> None:
    mask = np.random.default_rng(1).integers(0, 2, (37, 53)).astype(dtype)
    write_mask(tmp_path / "a.npz", mask)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive.files == ["mask"]
        np.testing.assert_array_equal(archive["mask"], mask)
        assert archive["mask"].dtype == dtype
    np.savez_compressed(tmp_path / "b.npz", mask=mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "b.npz"), mask)
    assert read_mask_header(tmp_path / "a.npz") == ((37, 53), np.dtype(dtype))


def test_the_array_inside_is_the_one_numpy_would_write(tmp_path: Path) -> None:
    mask = np.random.default_rng(2).integers(0, 9, (40, 60)).astype(np.uint16)
    write_mask(tmp_path / "a.npz", mask)
    np.savez_compressed(tmp_path / "b.npz", mask=mask)
    with zipfile.ZipFile(tmp_path / "a.npz") as ours, zipfile.ZipFile(tmp_path / "b.npz") as theirs:
        assert ours.read("mask.npy") == theirs.read("mask.npy")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(1, 700))
def test_bands_of_any_height_give_the_same_bytes(tmp_path: Path, heights: list[int], piece: int) -> None:
    mask = np.random.default_rng(sum(heights)).integers(0, 3, (max(1, sum(heights)), 31)).astype(np.uint16)
    edges = np.cumsum(heights)[:-1]
    before = store_mask._PIECE_BYTES
    try:
        store_mask._PIECE_BYTES = piece
        write_mask(tmp_path / "whole.npz", mask)
        write_mask_bands(tmp_path / "bands.npz", mask.shape, mask.dtype, np.split(mask, edges))
    finally:
        store_mask._PIECE_BYTES = before
    assert (tmp_path / "bands.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
    np.testing.assert_array_equal(read_mask(tmp_path / "bands.npz"), mask)


def test_a_column_major_mask_is_written_row_by_row(tmp_path: Path) -> None:
    mask = np.asfortranarray(np.arange(12).reshape(3, 4) % 2 == 0)
    write_mask(tmp_path / "a.npz", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.npz"), mask)


@pytest.mark.parametrize(
    "bands", [[np.zeros((3, 4), bool)], [np.zeros((4, 5), bool)], [np.zeros((4, 4), np.uint8)], []], ids=str
)
def test_wrong_bands_leave_nothing_behind(tmp_path: Path, bands: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="mask of"):
        write_mask_bands(tmp_path / "a.npz", (4, 4), np.dtype(bool), bands)
    assert not list(tmp_path.iterdir())


def test_what_is_no_mask_is_refused_without_its_path(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(b"no zip at all")
    with pytest.raises(InvalidDataError) as caught:
        read_mask(path)
    assert str(tmp_path) not in str(caught.value)
    np.savez(path, other=np.zeros((2, 2)))
    with pytest.raises(InvalidDataError):
        read_mask(path)
    np.savez(path, mask=np.zeros((2, 2, 2)))
    with pytest.raises(InvalidDataError):
        read_mask(path)
