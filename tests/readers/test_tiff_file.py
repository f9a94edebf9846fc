"""A TIFF file that was looked at before it is opened."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import open_rois
from spora_build.readers._tiff_file import first_page, open_tiff, pages_of


def write(path: Path, *values: int, size: int = 8) -> None:
    """A page for each value."""
    pages = [np.full((size, size), value, np.uint8) for value in values]
    tifffile.imwrite(path, np.stack(pages), photometric="minisblack", metadata=None)


def values(path: Path) -> list[int]:
    with open_tiff(path) as tiff:
        return [int(page.asarray()[0, 0]) for page in pages_of(tiff, path.name)]


def test_no_page_is_parsed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "image.tif", 1, 2, 3)
    parsed: list[Any] = []

    class Counted(tifffile.TiffPage):
        def __init__(self, parent: Any, /, index: Any, **options: Any) -> None:
            parsed.append(index)
            super().__init__(parent, index, **options)

    monkeypatch.setattr(tifffile.tifffile, "TiffPage", Counted)
    with open_rois(tmp_path / "image.tif") as rois:
        assert rois[0].read([0, 1, 2], Window(0, 0, 1, 1)).ravel().tolist() == [1, 2, 3]
    assert parsed == [0, 1, 2]


def test_a_file_that_changed_since_the_look_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    write(path, 1, 2)
    assert first_page(path) is not None
    write(path, 3, 4, 5, size=16)
    assert values(path) == [3, 4, 5]


def test_another_file_of_the_same_size_and_time_is_read(tmp_path: Path) -> None:
    path, other = tmp_path / "image.tif", tmp_path / "other.tif"
    write(path, 1, 2)
    write(other, 3, 4)
    assert first_page(path) is not None
    state = path.stat()
    assert other.stat().st_size == state.st_size
    other.replace(path)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert values(path) == [3, 4]


def test_a_file_that_is_gone_since_the_look(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    write(path, 1)
    assert first_page(path) is not None
    path.unlink()
    with pytest.raises(UnreadableFileError), open_tiff(path):
        pass


def test_a_file_opened_twice_at_once_after_one_look(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    write(path, 1, 2)
    first_page(path)
    with open_tiff(path) as outer:
        with open_tiff(path) as inner:
            assert inner is not outer
            assert len(inner.pages) == 2
        assert outer.pages[1].asarray()[0, 0] == 2
    assert values(path) == [1, 2]


def test_threads_share_no_open_file(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    write(path, 1, 2)
    first_page(path)
    found: list[Any] = []
    with open_tiff(path) as here:

        def elsewhere() -> None:
            with open_tiff(path) as there:
                found.append(there)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert found[0] is not here
        assert here.pages[0].asarray()[0, 0] == 1
