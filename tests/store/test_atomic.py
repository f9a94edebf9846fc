"""Absent or complete, whatever happens on the way; and the sweep after a crash."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from spora_build.store.atomic import make_folder, write_beside
from spora_build.store.sweep import find_leftovers, sweep


def folder_of(path: Path, content: str) -> None:
    with write_beside(path, folder=True) as beside:
        (beside / "inside").write_text(content)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    folder_of(tmp_path / "x", "old")
    folder_of(tmp_path / "x", "new")
    assert (tmp_path / "x" / "inside").read_text() == "new"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError(errno.ENOSPC, "full")])
def test_an_error_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    folder_of(tmp_path / "x", "old")
    with pytest.raises(BaseException), write_beside(tmp_path / "x", folder=True) as beside:  # noqa: B017
        (beside / "inside").write_text("new")
        raise error
    assert (tmp_path / "x" / "inside").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_rename_that_fails_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "x", "old")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError):
        folder_of(tmp_path / "x", "new")
    assert (tmp_path / "x" / "inside").read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_rename_that_only_says_so_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: None)
    with pytest.raises(OSError), write_beside(tmp_path / "x") as beside:
        beside.write_text("new")
    assert names(tmp_path) == []


def test_a_file_of_the_same_bytes_keeps_its_time(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("same")
    os.utime(tmp_path / "x", (5, 5))
    with write_beside(tmp_path / "x") as beside:
        beside.write_text("same")
    assert (tmp_path / "x").stat().st_mtime == 5
    with write_beside(tmp_path / "x") as beside:
        beside.write_text("else")
    assert (tmp_path / "x").read_text() == "else"
    assert names(tmp_path) == ["x"]


def test_the_sweep_puts_back_and_takes_away(tmp_path: Path) -> None:
    """A crash between renaming the old folder away and the new one in, and one before."""
    token = "0123456789ab"
    (tmp_path / "deep").mkdir()
    for name in (
        f".a.ome.zarr.{token}.old.building",
        f".b.ome.zarr.{token}.old.building",
        f".a.ome.zarr.{token}.building",
    ):
        (tmp_path / "deep" / name).mkdir()
        (tmp_path / "deep" / name / "inside").write_text(name)
    (tmp_path / "deep" / "b.ome.zarr").mkdir()
    (tmp_path / "deep" / f".mask.npz.{token}.building").write_text("half")
    (tmp_path / "deep" / "finished.building.npz").write_text("not ours")
    assert len(find_leftovers(tmp_path)) == 4
    assert len(sweep(tmp_path)) == 4
    assert names(tmp_path / "deep") == ["a.ome.zarr", "b.ome.zarr", "finished.building.npz"]
    assert (tmp_path / "deep" / "a.ome.zarr" / "inside").read_text() == f".a.ome.zarr.{token}.old.building"
    assert sweep(tmp_path) == []


def test_a_folder_that_is_moved_away_before_it_is_whole_does_not_take_its_place(tmp_path: Path) -> None:
    """Another build may have made the same place anew: half of one folder must not replace all of the other."""
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "whole").touch()
    with pytest.raises(FileNotFoundError), write_beside(tmp_path / "place", folder=True) as temporary:
        temporary.rename(tmp_path / "elsewhere")
        with write_beside(temporary / "half") as file:
            file.write_bytes(b"x")
    assert (tmp_path / "place" / "whole").exists()


def test_a_dataset_s_folder_that_was_moved_away_is_not_made_anew(tmp_path: Path) -> None:
    """Nor its private one: what was written there would be lost when the old one is put back."""
    (tmp_path / "lab2026study.private").mkdir()
    for path in ("lab2026study/metadata/a.parquet", "other2026study.private/counts/a.npz"):
        with pytest.raises(FileNotFoundError), write_beside(tmp_path / path) as temporary:
            temporary.write_bytes(b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["lab2026study.private"]
    (tmp_path / "lab2026study").mkdir()
    with write_beside(tmp_path / "lab2026study" / "metadata" / "a.parquet") as temporary:
        temporary.write_bytes(b"x")
    assert (tmp_path / "lab2026study" / "metadata" / "a.parquet").read_bytes() == b"x"


def test_a_disk_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: False)
    with pytest.raises(FileNotFoundError):
        make_folder(Path("/nowhere/at/all"))
