"""Images written by us, read by others; written by others, read by us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from ome_zarr_models.common.omero import Omero
from ome_zarr_models.v05.image import Image

from spora_build.errors import InvalidDataError
from spora_build.model.geometry import Size, Window
from spora_build.store import windows
from spora_build.store.array_reader import ForeignArray, ShardedArray
from spora_build.store.codec import CODECS
from spora_build.store.image import StoredImage, open_image
from spora_build.store.image_writer import ImageSpec, write_image
from spora_build.store.ome_metadata import group_metadata
from tests.store.sources import ArraySource, FailingSource, noise

TILE = Size(512, 512)


def write(path: Path, pixels: NDArray[Any], block: Size = TILE, threads: int = 1, **spec: Any) -> ArraySource:
    """Write all channels of an array."""
    source = ArraySource(pixels)
    names = tuple(f"channel {n}" for n in range(len(pixels)))
    settings = {"mpp": 0.5, "is_rgb": False, **spec}
    image = ImageSpec(names, Size(*pixels.shape[1:]), pixels.dtype, **settings)
    write_image(path, image, source, channels=range(len(pixels)), block=block, threads=threads)
    return source


def read_all(image: StoredImage) -> NDArray[Any]:
    """The whole image."""
    return image.read(range(image.channel_count), Window(0, 0, image.size.height, image.size.width))


def tensorstore_read(array: Path) -> NDArray[Any]:
    """The whole array by an implementation that shares no code with zarr-python."""
    import tensorstore

    store = tensorstore.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": str(array)}}).result()
    pixels: NDArray[Any] = store.read().result()
    return pixels


def same_bits(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays are equal bit for bit, NaN and negative zero included."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int16", "uint32", "float64"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (3, 255, 256), (2, 257, 255), (2, 1025, 700), (60, 256, 257), (7, 1, 1300)]
)
def test_everyone_reads_the_same_bits(tmp_path: Path, dtype: str, shape: tuple[int, int, int]) -> None:
    path = tmp_path / "image.ome.zarr"
    pixels = noise(shape, dtype)
    write(path, pixels)
    assert same_bits(zarr.open_group(path, mode="r")["0"][:], pixels)
    assert same_bits(tensorstore_read(path / "0"), pixels)
    image = open_image(path)
    assert isinstance(image.array, ShardedArray)
    assert (image.dtype, image.size, image.mpp) == (pixels.dtype, Size(*shape[1:]), 0.5)
    assert image.chunk == image.block == Size(256, 256)
    assert image.shard == Size(1024, 1024)
    assert same_bits(read_all(image), pixels)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_every_codec_is_read_by_everyone(tmp_path: Path, codec: str, dtype: str) -> None:
    path = tmp_path / "image.ome.zarr"
    pixels = noise((4, 300, 520), dtype)
    write(path, pixels, codec=codec)
    assert same_bits(zarr.open_array(path / "0", mode="r")[:], pixels)
    assert same_bits(tensorstore_read(path / "0"), pixels)
    assert same_bits(read_all(open_image(path)), pixels)


def test_the_layout_is_the_one_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "image.ome.zarr"
    write(path, noise((5, 1100, 2100), "uint16"))
    array = zarr.open_array(path / "0", mode="r")
    assert (array.chunks, array.shards) == ((5, 256, 256), (5, 1024, 1024))
    assert array.metadata.dimension_names == ("c", "y", "x")  # type: ignore[union-attr]
    assert array.fill_value == 0
    shards = [f"0/c/0/{row}/{col}" for row in range(2) for col in range(3)]
    assert sorted(files_of(path)) == [*shards, "0/zarr.json", "zarr.json"]


@pytest.mark.parametrize(
    "block",
    [Size(512, 512), Size(16, 1025), Size(7, 1025), Size(300, 200), Size(240, 240), Size(2048, 2048), Size(1, 1)],
)
def test_bytes_do_not_depend_on_workers(tmp_path: Path, block: Size) -> None:
    pixels = noise((2, 2100, 1025), "uint16")
    for threads in (1, 2, 4):
        write(tmp_path / f"{threads}.zarr", pixels, block, threads)
    one = files_of(tmp_path / "1.zarr")
    assert files_of(tmp_path / "2.zarr") == one
    assert files_of(tmp_path / "4.zarr") == one
    assert same_bits(read_all(open_image(tmp_path / "1.zarr")), pixels)


@pytest.mark.parametrize("block", [Size(256, 256), Size(512, 512), Size(1024, 1024), Size(16, 2048), Size(128, 64)])
def test_blocks_are_decoded_once(tmp_path: Path, block: Size) -> None:
    source = write(tmp_path / "image.zarr", np.zeros((2, 2048, 2048), np.uint8), block)
    assert source.decodes(block) == 1.0


def test_channels_are_picked_in_the_order_asked(tmp_path: Path) -> None:
    pixels = noise((6, 300, 300), "uint8")
    spec = ImageSpec(("a", "b"), Size(300, 300), np.dtype("uint8"), 1.0, is_rgb=False)
    write_image(tmp_path / "i.zarr", spec, ArraySource(pixels), channels=[4, 1], block=TILE)
    image = open_image(tmp_path / "i.zarr")
    assert image.channel_names == ("a", "b")
    assert same_bits(read_all(image), pixels[[4, 1]])
    assert same_bits(image.read([1, 0, 1], Window(250, 3, 20, 290)), pixels[[1, 4, 1], 250:270, 3:293])


def test_huge_images_get_larger_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_SHARDS", 4)
    monkeypatch.setattr(windows, "MIN_FACTOR", 1)
    pixels = noise((2, 1500, 1300), "uint16")
    for name, block, threads in (("a", TILE, 1), ("b", TILE, 3), ("c", Size(16, 1300), 2)):
        write(tmp_path / name, pixels, block, threads)
        assert zarr.open_array(tmp_path / name / "0", mode="r").shards == (2, 768, 768)
        assert same_bits(tensorstore_read(tmp_path / name / "0"), pixels)
        assert same_bits(read_all(open_image(tmp_path / name)), pixels)
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_empty_chunks_and_shards_are_left_out(tmp_path: Path) -> None:
    pixels = np.zeros((3, 2048, 2048), np.uint16)
    pixels[1, 300, 1100] = 9
    path = tmp_path / "image.zarr"
    write(path, pixels)
    shards = [name for name in files_of(path) if name.startswith("0/c/")]
    assert shards == ["0/c/0/0/1"]
    zarr_path = tmp_path / "zarr-python"
    theirs = zarr.create_array(
        zarr_path, shape=pixels.shape, dtype="uint16", chunks=(3, 256, 256), shards=(3, 1024, 1024)
    )
    theirs[:] = pixels
    assert [name for name in files_of(zarr_path) if name.startswith("c/")] == ["c/0/0/1"]
    index = np.frombuffer((path / "0/c/0/0/1").read_bytes()[-260:-4], "<u8").reshape(4, 4, 2)
    assert (index[..., 0] != 2**64 - 1).sum() == 1
    assert index[1, 0, 0] == 0
    assert same_bits(read_all(open_image(path)), pixels)
    assert same_bits(tensorstore_read(path / "0"), pixels)


def test_every_pixel_of_a_window_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks and shards that were left out are zeros whatever memory held before; whole chunks are read like others."""
    pixels = noise((2, 1500, 1200), "uint16")
    pixels[:, 256:512, 256:512] = 0
    pixels[:, 1024:, :1024] = 0
    path = tmp_path / "image.zarr"
    write(path, pixels)
    image = open_image(path)
    monkeypatch.setattr(np, "empty", lambda shape, dtype=float: np.full(shape, 7, dtype))
    for _ in range(2):  # the second time it is known what is left out
        for row in range(0, 1500, 256):
            for col in range(0, 1200, 256):
                window = Window(row, col, 256, 256).clip(image.size)
                for channels in ([0, 1], [1, 0], [1]):
                    assert same_bits(image.read(channels, window), pixels[channels, *window.slices])
        assert same_bits(image.read([0, 1], Window(200, 100, 1100, 1000)), pixels[:, 200:1300, 100:1100])


def test_an_image_of_nothing(tmp_path: Path) -> None:
    pixels = np.zeros((2, 300, 300), np.float32)
    write(tmp_path / "image.zarr", pixels)
    assert sorted(files_of(tmp_path / "image.zarr")) == ["0/zarr.json", "zarr.json"]
    assert same_bits(read_all(open_image(tmp_path / "image.zarr")), pixels)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_window_is_read_as_zarr_reads_it(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "image.zarr"
    pixels = noise((3, 1300, 600), "uint16")
    if not path.exists():
        write(path, pixels)
    row, col = data.draw(st.integers(0, 1299)), data.draw(st.integers(0, 599))
    window = Window(row, col, data.draw(st.integers(1, 1300 - row)), data.draw(st.integers(1, 600 - col)))
    channels = data.draw(st.lists(st.integers(0, 2), max_size=4))
    got = open_image(path).read(channels, window)
    assert same_bits(got, zarr.open_array(path / "0", mode="r")[:, *window.slices][channels])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("pyramid", [False, True])
def test_metadata_are_ome_zarr_05(tmp_path: Path, dtype: str, pyramid: bool) -> None:
    path = tmp_path / "image.zarr"
    write(path, noise((2, 900, 530), dtype), pyramid=pyramid)
    model = Image.from_zarr(zarr.open_group(path, mode="r"))
    assert model.ome_attributes.version == "0.5"
    multiscale = model.ome_attributes.multiscales[0]
    assert [(axis.name, axis.unit) for axis in multiscale.axes] == [
        ("c", None),
        ("y", "micrometer"),
        ("x", "micrometer"),
    ]
    scales = [dataset.coordinateTransformations[0].scale for dataset in multiscale.datasets]
    assert scales[0] == [1.0, 0.5, 0.5]
    assert len(scales) == (3 if pyramid else 1)
    omero = zarr.open_group(path, mode="r").attrs["ome"]["omero"]  # type: ignore[index,call-overload]
    assert len(Omero.model_validate(omero).channels) == 2
    assert [channel["label"] for channel in omero["channels"]] == ["channel 0", "channel 1"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "int64", "uint64"])
def test_pyramid_levels_are_area_averages(tmp_path: Path, dtype: str) -> None:
    path = tmp_path / "image.zarr"
    pixels = noise((2, 601, 1027), dtype)
    pixels = np.nan_to_num(pixels, posinf=3.0)
    pixels[0, 100:200, 100:200] = np.iinfo(dtype).max if pixels.dtype.kind in "ui" else np.finfo(dtype).max
    write(path, pixels, pyramid=True, threads=2)
    group = zarr.open_group(path, mode="r")
    below = pixels
    for level, size in ((1, (301, 514)), (2, (151, 257)), (3, (76, 129))):
        got = group[str(level)][:]  # type: ignore[index]
        assert got.shape[1:] == size
        assert same_bits(got, naive_halves(below))
        below = got
    assert "4" not in group
    assert files_of(path) == (write(tmp_path / "again", pixels, pyramid=True), files_of(tmp_path / "again"))[1]
    datasets = group.attrs["ome"]["multiscales"][0]["datasets"]  # type: ignore[index,call-overload]
    assert datasets[2]["coordinateTransformations"] == [
        {"type": "scale", "scale": [1.0, 2.0, 2.0]},
        {"type": "translation", "translation": [0.0, 0.75, 0.75]},
    ]


def naive_halves(pixels: NDArray[Any]) -> NDArray[Any]:
    """Area average by 2 in Python's exact numbers, pixel by pixel where it is not all the same."""
    from fractions import Fraction

    C, H, W = pixels.shape
    out = np.empty((C, (H + 1) // 2, (W + 1) // 2), pixels.dtype)
    known: dict[bytes, Any] = {}
    for c, row, col in np.ndindex(out.shape):
        part = pixels[c, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
        key = part.tobytes()
        if key not in known:
            mean = sum((Fraction(value.item()) for value in part.flat), Fraction(0)) / part.size
            known[key] = round(mean) if pixels.dtype.kind in "ui" else float(mean)
        out[c, row, col] = known[key]
    return out


def test_a_failing_source_leaves_nothing(tmp_path: Path) -> None:
    spec = ImageSpec(("a",), Size(3000, 3000), np.dtype("uint8"), 1.0, is_rgb=False)
    for threads in (1, 3):
        with pytest.raises(OSError, match="the disk went away"):
            write_image(
                tmp_path / "image.zarr", spec, FailingSource(1, 1500, 1500), channels=[0], block=TILE, threads=threads
            )
        assert list(tmp_path.iterdir()) == []


def test_a_failing_source_keeps_the_image_before(tmp_path: Path) -> None:
    path = tmp_path / "image.zarr"
    write(path, noise((1, 300, 300), "uint8"))
    before = files_of(tmp_path)
    spec = ImageSpec(("a",), Size(3000, 3000), np.dtype("uint8"), 1.0, is_rgb=False)
    with pytest.raises(OSError, match="the disk went away"):
        write_image(path, spec, FailingSource(1, 1500, 1500), channels=[0], block=TILE)
    assert files_of(tmp_path) == before


def test_a_source_of_other_pixels_is_refused(tmp_path: Path) -> None:
    spec = ImageSpec(("a",), Size(30, 30), np.dtype("uint8"), 1.0, is_rgb=False)
    with pytest.raises(ValueError, match="the source gave uint16"):
        write_image(tmp_path / "i.zarr", spec, ArraySource(np.ones((1, 30, 30), np.uint16)), channels=[0], block=TILE)
    with pytest.raises(ValueError, match="no codec"):
        write(tmp_path / "i.zarr", np.ones((1, 3, 3), np.uint8), codec="jpeg")
    assert list(tmp_path.iterdir()) == []


# --- other people's images -------------------------------------------------------------------------------------------


def foreign(path: Path, pixels: NDArray[Any], zarr_format: int = 3, **array: Any) -> None:
    """An image written by zarr-python."""
    group = zarr.create_group(path, zarr_format=zarr_format)  # type: ignore[arg-type]
    stored = group.create_array("0", shape=pixels.shape, dtype=pixels.dtype, **array)
    stored[:] = pixels
    ome = group_metadata(["x"] * len(pixels), pixels.dtype, 0.25, [1], is_rgb=False)["attributes"]["ome"]
    group.attrs.update({"ome": ome} if zarr_format == 3 else {**ome, "version": "0.4"})


FOREIGN: list[tuple[str, bool, dict[str, Any]]] = [
    ("unsharded", False, {"chunks": (1, 100, 130)}),
    ("unsharded, all channels", False, {"chunks": (3, 128, 128)}),
    ("gzip", False, {"chunks": (3, 128, 128), "shards": (3, 512, 512), "compressors": zarr.codecs.GzipCodec()}),
    ("channel chunks", False, {"chunks": (1, 128, 128), "shards": (3, 512, 512)}),
    (
        "transposed",
        False,
        {"chunks": (3, 128, 128), "shards": (3, 512, 512), "filters": [zarr.codecs.TransposeCodec(order=(1, 2, 0))]},
    ),
    ("filled with 7", False, {"chunks": (3, 128, 128), "shards": (3, 512, 512), "fill_value": 7}),
    ("version 2", False, {"chunks": (1, 128, 128), "zarr_format": 2}),
    ("default codec", True, {"chunks": (3, 128, 128), "shards": (3, 512, 512)}),
    (
        "the published datasets'",
        True,
        {
            "chunks": (3, 256, 256),
            "shards": (3, 1024, 1024),
            "compressors": zarr.codecs.BloscCodec(cname="lz4", clevel=3, shuffle="bitshuffle"),
        },
    ),
]


@pytest.mark.parametrize(("how", "own", "array"), FOREIGN, ids=[how for how, _, _ in FOREIGN])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_layouts_are_read(tmp_path: Path, how: str, own: bool, array: dict[str, Any], dtype: str) -> None:
    pixels = noise((3, 700, 530), dtype)
    pixels[:, :300, :300] = 0
    foreign(tmp_path / "image", pixels, **array)
    image = open_image(tmp_path / "image")
    assert isinstance(image.array, ShardedArray if own else ForeignArray)
    assert (image.mpp, image.channel_names) == (0.25, ("x",) * 3)
    assert same_bits(read_all(image), pixels)
    assert same_bits(image.read([2, 0], Window(250, 100, 300, 77)), pixels[[2, 0], 250:550, 100:177])
    assert image.read([], Window(0, 0, 5, 6)).shape == (0, 5, 6)


def test_big_endian_pixels_are_read(tmp_path: Path) -> None:
    pixels = noise((3, 300, 300), "uint16")
    foreign(tmp_path / "i", pixels, chunks=(3, 128, 128), serializer=zarr.codecs.BytesCodec(endian="big"))
    assert same_bits(read_all(open_image(tmp_path / "i")), pixels)


# --- damage ----------------------------------------------------------------------------------------------------------


def code_of(error: pytest.ExceptionInfo[InvalidDataError]) -> str:
    """The code of the only problem; its text must not show where the test ran."""
    (problem,) = error.value.problems
    assert "/" not in str(problem)
    return problem.code


def test_no_image_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError) as error:
        open_image(tmp_path / "absent.ome.zarr")
    assert code_of(error) == "E-IMAGE-001"
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(InvalidDataError) as error:
        open_image(tmp_path)
    assert code_of(error) == "E-IMAGE-001"


@pytest.mark.parametrize(
    ("old", "new"),
    [('"name": "y"', '"name": "z"'), ("[\n", "[[\n"), ("0.5,", "0.25,"), ('"multiscales"', '"other"'), ("0.5", '"a"')],
)
def test_wrong_metadata_are_said(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "image.zarr"
    write(path, noise((1, 30, 30), "uint8"))
    file = path / "zarr.json"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1) if old != "0.5," else text.replace(old, new))
    with pytest.raises(InvalidDataError) as error:
        open_image(path)
    assert code_of(error) in ("E-IMAGE-001", "E-IMAGE-002")


@pytest.mark.parametrize("key", ["shape", "codecs", "chunk_grid", "data_type"])
def test_wrong_array_metadata_are_said(tmp_path: Path, key: str) -> None:
    path = tmp_path / "image.zarr"
    write(path, noise((1, 30, 30), "uint8"))
    file = path / "0" / "zarr.json"
    metadata = json.loads(file.read_text())
    for wrong in (None, "x", [1], {}):
        file.write_text(json.dumps({**metadata, key: wrong}))
        with pytest.raises(InvalidDataError) as error:
            open_image(path)
        assert code_of(error) == "E-IMAGE-002"
    file.unlink()
    with pytest.raises(InvalidDataError) as error:
        open_image(path)
    assert code_of(error) == "E-IMAGE-002"


@pytest.mark.parametrize("codec", ["blosc-lz4", "blosc-zstd", "zstd", "none"])
@pytest.mark.parametrize("damage", ["cut", "index", "start", "empty", "folder"])
def test_damaged_shards_are_said(tmp_path: Path, codec: str, damage: str) -> None:
    path = tmp_path / "image.zarr"
    write(path, noise((2, 300, 300), "uint16"), codec=codec)
    shard = path / "0/c/0/0/0"
    data = bytearray(shard.read_bytes())
    if damage == "cut":
        data = data[:-100]
    elif damage == "index":
        data[-50] ^= 1
    elif damage == "start":
        data[:16] = bytes(16)
    elif damage == "empty":
        data = bytearray()
    shard.write_bytes(data)
    if damage == "folder":
        shard.unlink()
        shard.mkdir()
    image = open_image(path)
    if damage == "start" and codec == "none":
        return  # raw pixels carry no redundancy
    with pytest.raises(InvalidDataError) as error:
        read_all(image)
    assert code_of(error) == "E-IMAGE-003"


@pytest.mark.parametrize("array", [{"shards": (3, 256, 256)}, {}, {"zarr_format": 2}], ids=["own", "foreign", "v2"])
def test_what_is_moved_away_does_not_read_as_zeros(tmp_path: Path, array: dict[str, Any]) -> None:
    """A piece that is missing is zeros, but not where the whole image is missing."""
    foreign(tmp_path / "image", noise((3, 512, 256), "uint16"), chunks=(3, 128, 128), **array)
    image = open_image(tmp_path / "image")
    image.read([0], Window(0, 0, 10, 10))
    (tmp_path / "image").rename(tmp_path / "elsewhere")
    for _ in range(2):
        with pytest.raises(InvalidDataError) as caught:
            image.read([0], Window(256, 0, 10, 10))
        assert code_of(caught) == "E-IMAGE-003"
    (tmp_path / "elsewhere").rename(tmp_path / "image")
    assert image.read([0], Window(256, 0, 10, 10)).any()


def test_reading_outside_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "i", noise((2, 30, 30), "uint8"))
    image = open_image(tmp_path / "i")
    for channels, window in (([0], Window(20, 0, 11, 5)), ([0], Window(0, 20, 5, 11)), ([2], Window(0, 0, 1, 1))):
        with pytest.raises(ValueError, match="not"):
            image.read(channels, window)
