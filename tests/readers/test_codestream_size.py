"""The size that a codestream declares, and tiles that declare too much."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.readers import tiff
from spora_build.readers._codestream_size import declared_pixels

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype("uint8")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"comment": b"\xff\xc0 no marker"}, {"subsampling": 2}])
def test_jpeg(options: dict[str, object]) -> None:
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, "JPEG", **options)
    assert declared_pixels(stream.getvalue()) == 48 * 64


def test_jpeg_2000() -> None:
    assert declared_pixels(imagecodecs.jpeg2k_encode(PICTURE, codecformat="j2k")) == 48 * 64


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xe0\0\0", b"\xff\xd8" + bytes(50), bytes(50)]
)
def test_no_size(data: bytes) -> None:
    assert declared_pixels(data) is None


def test_a_tile_larger_than_its_place_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PICTURE, tile=(48, 64), compression="jpeg", photometric="rgb", metadata=None)
    content = bytearray(path.read_bytes())
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = b"\xff\xdc\xff\xdc"
    path.write_bytes(content)
    with tiff.open_rois(path) as (roi,), pytest.raises(UnreadableFileError, match="declares"):
        roi.read([0], Window(0, 0, 1, 1))
