"""OME-Zarr of both Zarr formats, against ome-zarr-py and the numbers they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import PixelSize, Size, Window
from spora_build.model.roi import Roi
from spora_build.readers import find_reader, ome_zarr
from tests.readers.sample_makers import some_pixels
from tests.readers.zarr_files import write_ome_zarr


def whole(roi: Roi) -> np.ndarray:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems]


def named(*labels: str, colours: tuple[str, ...] = ()) -> dict[str, Any]:
    channels = [{"label": label} for label in labels]
    for channel, colour in zip(channels, colours, strict=False):
        channel["color"] = colour
    return {"channels": channels}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize(
    ("axes", "shape"),
    [
        ("yx", (50, 41)),
        ("cyx", (4, 50, 41)),
        ("zyx", (1, 50, 41)),
        ("tczyx", (1, 4, 1, 50, 41)),
        ("tczyx", (1, 1, 4, 50, 41)),
        ("tcyx", (1, 4, 50, 41)),
    ],
)
def test_axes(tmp_path: Path, zarr_format: int, axes: str, shape: tuple[int, ...]) -> None:
    pixels = some_pixels(shape, "uint16")
    path = write_ome_zarr(
        tmp_path / "a.zarr", pixels, axes=axes, zarr_format=zarr_format, chunks=(1,) * (len(shape) - 2) + (16, 16)
    )
    found = find_reader(path)
    assert found is not None and found.__name__ == ome_zarr.__name__
    with ome_zarr.open_rois(path) as [roi]:
        assert roi.size == Size(50, 41)
        assert roi.block == Size(16, 16)
        assert roi.pixel_size == PixelSize(0.5, "OME-Zarr scale")
        assert roi.channel_names == () and not roi.is_rgb and roi.problems == ()
        np.testing.assert_array_equal(whole(roi), pixels.reshape(-1, 50, 41), strict=True)


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_any_channels_whatever_the_chunks(tmp_path: Path, chunk: int) -> None:
    pixels = some_pixels((5, 40, 30), "float32")
    path = write_ome_zarr(tmp_path / "a.zarr", pixels, chunks=(chunk, 16, 16), omero=named("a", "b", "c", "d", "e"))
    with ome_zarr.open_rois(path) as [roi]:
        for channels in ([0, 1, 2, 3, 4], [4], [3, 0], [2, 2, 4, 0], [1, 3]):
            np.testing.assert_array_equal(roi.read(channels, Window(7, 9, 20, 11)), pixels[channels, 7:27, 9:20])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_ome_zarr_py_describes_and_reads(tmp_path: Path, zarr_format: int) -> None:
    from ome_zarr.format import format_from_version
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader
    from ome_zarr.writer import write_multiscales_metadata

    pixels = some_pixels((3, 60, 80), "uint16")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=zarr_format)
    group.create_array("full", shape=pixels.shape, dtype=pixels.dtype, chunks=(1, 32, 32))[...] = pixels
    scale = {"type": "scale", "scale": [1.0, 0.37744, 0.37744]}
    write_multiscales_metadata(
        group,
        datasets=[{"path": "full", "coordinateTransformations": [scale]}],
        fmt=format_from_version("0.4" if zarr_format == 2 else "0.5"),
        axes=[
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ],
    )
    location = parse_url(tmp_path / "a.zarr")
    assert location is not None
    node = next(iter(Reader(location)()))
    with ome_zarr.open_rois(tmp_path / "a.zarr") as [roi]:
        np.testing.assert_array_equal(whole(roi), np.asarray(node.data[0]), strict=True)
        assert roi.pixel_size is not None and roi.pixel_size.mpp == 0.37744


def test_channel_names(tmp_path: Path) -> None:
    pixels = some_pixels((2, 20, 20), "uint8")
    with ome_zarr.open_rois(write_ome_zarr(tmp_path / "a.zarr", pixels, omero=named("CD3", ""))) as [roi]:
        assert roi.channel_names == ("CD3", "Channel 2")
    with ome_zarr.open_rois(write_ome_zarr(tmp_path / "b.zarr", pixels, omero=named("CD3"))) as [roi]:
        assert roi.channel_names == ()
        assert codes(roi) == ["W-READ-141"]


@pytest.mark.parametrize(
    ("omero", "is_rgb"),
    [
        (named("R", "G", "B"), True),
        (named("0", "1", "2", colours=("FF0000", "00FF00", "0000FF")), True),
        (named("CD3", "CD8", "CD20", colours=("FF0000", "00FF00", "0000FF")), False),
        (named("0", "1", "2"), False),
        (None, False),
    ],
)
def test_colour(tmp_path: Path, omero: dict[str, Any] | None, is_rgb: bool) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((3, 20, 20), "uint8"), omero=omero)
    with ome_zarr.open_rois(path) as [roi]:
        assert roi.is_rgb == is_rgb


@pytest.mark.parametrize(
    ("mpp", "unit", "expected", "code"),
    [
        (0.5, "micrometer", 0.5, None),
        (500, "nanometer", 0.5, None),
        (0.0005, "millimeter", 0.5, None),
        (1.0, None, None, "E-MPP-006"),
        (None, "micrometer", None, "E-MPP-001"),
        (0.0, "micrometer", None, "E-MPP-004"),
    ],
)
def test_pixel_size(
    tmp_path: Path, mpp: float | None, unit: str | None, expected: float | None, code: str | None
) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((1, 20, 20), "uint8"), mpp=mpp, unit=unit)
    with ome_zarr.open_rois(path) as [roi]:
        assert (roi.pixel_size.mpp if roi.pixel_size else None) == expected
        assert codes(roi) == ([code] if code else [])


def test_scale_of_the_whole_image_multiplies(tmp_path: Path) -> None:
    changes = {"coordinateTransformations": [{"type": "scale", "scale": [1, 0.5, 0.5]}]}
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((1, 20, 20), "uint8"), changes=changes)
    with ome_zarr.open_rois(path) as [roi]:
        assert roi.pixel_size is not None and roi.pixel_size.mpp == 0.25


def test_stack_is_listed_and_refused(tmp_path: Path) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((2, 3, 20, 20), "uint8"), axes="czyx")
    with ome_zarr.open_rois(path) as [roi]:
        assert codes(roi) == ["E-TIFF-003"]
        with pytest.raises(UnreadableFileError):
            whole(roi)


def test_bytes_of_the_other_order(tmp_path: Path) -> None:
    pixels = some_pixels((2, 20, 20), "uint16").astype(">u2")
    with ome_zarr.open_rois(write_ome_zarr(tmp_path / "a.zarr", pixels, zarr_format=2)) as [roi]:
        assert roi.dtype.isnative and whole(roi).dtype.isnative
        np.testing.assert_array_equal(whole(roi), pixels)


@pytest.mark.parametrize("listed", [True, False])
def test_several_images_as_bioformats2raw_writes_them(tmp_path: Path, listed: bool) -> None:
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    (folder / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    images = [some_pixels((2, 20, 20 + index), "uint8", index) for index in range(3)]
    for index, pixels in enumerate(images):
        write_ome_zarr(folder / str(index), pixels, zarr_format=2)
    if listed:
        (folder / "OME").mkdir()
        (folder / "OME" / ".zattrs").write_text('{"series": ["0", "1", "2"]}')
    assert ome_zarr.can_read(folder)
    with ome_zarr.open_rois(folder) as rois:
        assert [roi.name for roi in rois] == ["0", "1", "2"]
        for roi, pixels in zip(rois, images, strict=True):
            np.testing.assert_array_equal(whole(roi), pixels)


def metadata_of(path: Path, zarr_format: int, name: str) -> Path:
    return path / name / "zarr.json" if zarr_format == 3 else path / name / (".zarray" if name else ".zattrs")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", ["", "0"])
def test_damaged_metadata_are_one_typed_error(tmp_path: Path, zarr_format: int, name: str) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((2, 20, 20), "uint8"), zarr_format=zarr_format)
    file = metadata_of(path, zarr_format, name)
    content = file.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content[: int(random.integers(len(content) // 2, len(content) + 1))])
        for place in random.integers(0, len(damaged), 2):
            damaged[place] = int(random.integers(32, 127))
        file.write_bytes(damaged)
        assert isinstance(ome_zarr.can_read(path), bool)
        try:
            with ome_zarr.open_rois(path) as [roi]:
                roi.read([0], Window(0, 0, 5, 5))
        except UnreadableFileError:
            pass
    for text in ("", "[]", "null", "[" * 100_000, '{"zarr_format": 3}', '{"multiscales": 3}', '{"multiscales": [{}]}'):
        file.write_text(text)
        with pytest.raises(UnreadableFileError), ome_zarr.open_rois(path):
            pass


@pytest.mark.parametrize("array", ["../b.zarr/0", "/etc", "..\\b", "", "0/../../b.zarr/0"])
def test_pixels_outside_of_the_image(tmp_path: Path, array: str) -> None:
    write_ome_zarr(tmp_path / "b.zarr", some_pixels((2, 20, 20), "uint8"))
    path = write_ome_zarr(
        tmp_path / "a.zarr", some_pixels((2, 20, 20), "uint8"), changes={"datasets": [{"path": array}]}
    )
    with pytest.raises(UnreadableFileError, match="E-READ-140"), ome_zarr.open_rois(path):
        pass


def test_pickled_pixels_are_never_opened(tmp_path: Path) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", some_pixels((2, 20, 20), "uint8"), zarr_format=2)
    metadata = json.loads((path / "0" / ".zarray").read_text())
    metadata["filters"] = [{"id": "pickle", "protocol": 5}]
    hidden = json.dumps(metadata).replace('"pickle"', '"\\u0070ickle"')
    for text in (json.dumps(metadata), hidden):
        (path / "0" / ".zarray").write_text(text)
        with pytest.raises(UnreadableFileError, match="pickled"), ome_zarr.open_rois(path):
            pass


V2_CODECS = [
    None,
    numcodecs.Blosc(cname="lz4", shuffle=2),
    numcodecs.Blosc(cname="zstd"),
    numcodecs.Zstd(),
    numcodecs.Zlib(),
    numcodecs.GZip(),
    numcodecs.LZ4(),
    numcodecs.BZ2(),
]
V3_CODECS = [None, zarr.codecs.BloscCodec(cname="lz4"), zarr.codecs.ZstdCodec(), zarr.codecs.GzipCodec()]


@pytest.mark.parametrize(
    ("zarr_format", "codec", "shards"),
    [(2, codec, None) for codec in V2_CODECS]
    + [(3, codec, shards) for codec in V3_CODECS for shards in (None, (1, 32, 32))],
    ids=lambda value: type(value).__name__ if hasattr(value, "__dict__") else str(value),  # the repr of a codec varies
)
def test_cut_off_chunk_never_reads_wrong(tmp_path: Path, zarr_format: int, codec: Any, shards: Any) -> None:
    pixels = some_pixels((1, 20, 20), "uint8")
    path = write_ome_zarr(
        tmp_path / "a.zarr", pixels, zarr_format=zarr_format, compressors=codec, chunks=(1, 16, 16), shards=shards
    )
    chunk = path / "0" / ("0.0.0" if zarr_format == 2 else "c/0/0/0")
    content = chunk.read_bytes()
    with ome_zarr.open_rois(path) as [roi]:
        np.testing.assert_array_equal(whole(roi), pixels)
        for length in (0, 1, 15, 20, len(content) // 2, len(content) - 1):
            chunk.write_bytes(content[:length])
            with pytest.raises(UnreadableFileError, match="chunk is damaged"):
                roi.read([0], Window(0, 0, 16, 16))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_is_moved_away_does_not_read_as_zeros(tmp_path: Path, zarr_format: int) -> None:
    pixels = some_pixels((1, 32, 16), "uint8")
    path = write_ome_zarr(tmp_path / "a.zarr", pixels, zarr_format=zarr_format, chunks=(1, 16, 16))
    with ome_zarr.open_rois(path) as [roi]:
        path.rename(tmp_path / "elsewhere")
        with pytest.raises(UnreadableFileError):
            roi.read([0], Window(16, 0, 16, 16))


def test_folders_that_are_no_image(tmp_path: Path) -> None:
    assert not ome_zarr.can_read(tmp_path)
    plate = tmp_path / "plate.zarr"
    plate.mkdir()
    (plate / ".zattrs").write_text('{"plate": {}}')
    assert ome_zarr.can_read(plate)
    with pytest.raises(UnreadableFileError, match="plate"), ome_zarr.open_rois(plate):
        pass
