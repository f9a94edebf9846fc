"""Arrays kept on disk come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spora_build.errors import InvalidDataError
from spora_build.store.arrays import read_arrays, write_arrays


def test_arrays_come_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "values": rng.integers(0, 65536, 5000).astype(np.uint16),
        "floats": np.array([0.1, -0.0, np.nan, np.inf], np.float32),
        "flags": np.array([True, False]),
        "wide": np.array([2**62, -1]),
        "none": np.empty(0, np.uint32),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


def test_damage_is_reported_without_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"values": np.arange(10_000)})
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"text", whole.replace(b"<i8", b"<q9")):
        path.write_bytes(data)
        with pytest.raises(InvalidDataError) as caught:
            read_arrays(path)
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(InvalidDataError):
        read_arrays(tmp_path / "absent.npz")


def test_only_flat_arrays_are_taken(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="flat"):
        write_arrays(tmp_path / "a.npz", {"square": np.zeros((2, 2))})
    assert not list(tmp_path.iterdir())
