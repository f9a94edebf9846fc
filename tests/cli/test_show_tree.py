"""A folder as a tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.cli.show_tree import show_tree


def test_folders_alike_are_shown_once_and_long_ones_shortened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in ("a/x/1", "a/x/2", "b/x/1", "b/x/2", "c/x/1", "e.ome.zarr/0/c", *(f"d/{n}" for n in range(9))):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(1500))
    show_tree(tmp_path)
    lines = [line.strip("├└─│ ") for line in capsys.readouterr().out.splitlines()]
    assert "b/  like a" in lines
    assert "c/" in lines
    assert "e.ome.zarr  1.5 kB" in lines
    assert "… 3 more" in lines
    assert lines.count("x/") == 2


def test_folders_alike_by_chance_are_all_shown_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("images/1.tif", "images/2.tif", "masks/1.tif", "masks/2.tif"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(b"")
    show_tree(tmp_path, fold=False)
    assert capsys.readouterr().out.count("1.tif") == 2


def test_names_that_look_like_markup_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "core [bold] 1.tif").write_bytes(b"")
    show_tree(tmp_path)
    assert "core [bold] 1.tif" in capsys.readouterr().out
