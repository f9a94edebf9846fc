"""TIFF headers that fuzzing found to end in something else than a typed error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import _tiff_file, open_rois


def picture(folder: Path) -> Path:
    """RGB in tiles, all three colours together."""
    path = folder / "picture.tif"
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(32, 32), compression="zlib", metadata=None)
    return path


def overwrite_tag(path: Path, code: int, data: bytes, *, at_value: bool = True) -> None:
    """Change the bytes of a tag's value, or of its type."""
    with tifffile.TiffFile(path) as tiff:
        tag = tiff.pages[0].tags[code]  # type: ignore[union-attr]
        place = tag.valueoffset if at_value else tag.offset + 2
    content = bytearray(path.read_bytes())
    content[place : place + len(data)] = data
    path.write_bytes(content)


def refused(path: Path) -> None:
    with pytest.raises(UnreadableFileError), open_rois(path) as rois:
        rois[0].read([2], Window(0, 0, 64, 64))


def test_offsets_of_another_type(tmp_path: Path) -> None:
    path = picture(tmp_path)
    overwrite_tag(path, 324, (11).to_bytes(2, "little"), at_value=False)  # float32
    refused(path)


def test_a_tile_of_fewer_samples_than_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = picture(tmp_path)
    from spora_build.readers import _tiff_page

    def one_sample(page: Any, name: str) -> Any:
        return lambda data, index: np.zeros((32, 32, 1), np.uint8)

    monkeypatch.setattr(_tiff_page, "segment_decoder", one_sample)
    refused(path)


def test_a_header_that_asks_for_all_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("tifffile.TiffFile", greedy)
    with pytest.raises(UnreadableFileError), _tiff_file.open_tiff(picture_bytes(tmp_path)):
        pass


def picture_bytes(folder: Path) -> Path:
    path = folder / "any.tif"
    path.write_bytes(b"II*\0" + bytes(100))
    return path
