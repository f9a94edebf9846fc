"""Pages that are seen to be alike equal those that tifffile parses one by one, in whole files and in damaged ones."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.readers import _tiff_file
from spora_build.readers._tiff_file import open_tiff, pages_of

FORMS: list[dict[str, Any]] = [
    {},
    {"tile": (16, 16), "compression": "zlib", "predictor": True},
    {"rowsperstrip": 5, "compression": "lzw", "software": "a microscope"},
    {"bigtiff": True, "tile": (16, 32), "compression": "zstd"},
    {"byteorder": ">", "resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"},
    {"byteorder": ">", "bigtiff": True, "rowsperstrip": 8},
    {"compression": "jpeg", "tile": (16, 16)},
]


def write(path: Path, planes: NDArray[Any], names: list[str] | None = None, **options: Any) -> Path:
    """A page for each plane; ``names`` are their PageNames."""
    with tifffile.TiffWriter(
        path, bigtiff=options.pop("bigtiff", False), byteorder=options.pop("byteorder", "<")
    ) as file:
        for number, plane in enumerate(planes):
            tags = [(285, "s", 0, names[number], True)] if names else []
            description = "<OME/>" if number == 0 else None
            options.setdefault("photometric", "minisblack")
            file.write(plane, metadata=None, description=description, extratags=tags, **options)
    return path


def planes(count: int = 6) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 9, (count, 40, 50), np.uint8)


def seen(page: Any) -> dict[str, Any]:
    """Everything that readers ask of a page."""
    wanted = (
        *("index", "offset", "dataoffsets", "databytecounts", "shape", "shaped", "dtype", "axes", "compression"),
        *("predictor", "planarconfig", "photometric", "samplesperpixel", "extrasamples", "bitspersample", "fillorder"),
        *("imagelength", "imagewidth", "imagedepth", "rowsperstrip", "is_tiled", "tilelength", "tilewidth"),
        *("tiledepth", "nodata", "subfiletype", "is_reduced", "is_contiguous", "jpegtables", "jpegheader", "subifds"),
        *("description", "software", "hash", "sampleformat"),
    )
    own = {code for code in (273, 279, 324, 325) if code in page.tags}
    tags = [(tag.code, tag.value if tag.code not in own else "") for tag in page.tags]
    return {"tags": repr(tags)} | {name: getattr(page, name) for name in wanted}


def each_parsed(path: Path) -> list[dict[str, Any]]:
    with open_tiff(path) as tiff:
        tiff.pages.useframes = False
        pages = [tiff.pages[index] for index in range(len(tiff.pages))]
        return [seen(page) for page in pages]


def as_read(path: Path) -> list[dict[str, Any]]:
    with open_tiff(path) as tiff:
        return [seen(page) for page in pages_of(tiff, path.name)]


def count_parsed(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    parsed = []

    class Counted(tifffile.TiffPage):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            parsed.append(1)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(tifffile.tifffile, "TiffPage", Counted)
    with open_tiff(path) as tiff:
        pages_of(tiff, path.name)
    monkeypatch.undo()
    return len(parsed)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(map(str, form)) or "plain")
def test_pages_equal_those_parsed_one_by_one(
    form: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "image.tif", planes(), **form)
    assert as_read(path) == each_parsed(path)
    assert count_parsed(path, monkeypatch) == (6 if form.get("compression") == "jpeg" else 2)


def test_pixels_are_those_of_each_page(tmp_path: Path) -> None:
    path = write(tmp_path / "image.tif", planes(), rowsperstrip=7, compression="zlib")
    with open_tiff(path) as tiff:
        read = np.stack([page.asarray() for page in pages_of(tiff, path.name)])
    np.testing.assert_array_equal(read, planes())


def test_pages_that_differ_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a value elsewhere in the file, by one in the directory, and after they were alike."""
    named = write(tmp_path / "named.tif", planes(), names=["marker A", "marker B", "marker C", "x", "y", "z"])
    assert as_read(named) == each_parsed(named)
    assert count_parsed(named, monkeypatch) == 6
    other = tmp_path / "other.tif"
    with tifffile.TiffWriter(other) as file:
        for plane in (*planes(4), planes()[0, :20], *planes(2)):
            file.write(plane, metadata=None, photometric="minisblack", contiguous=False)
    assert [page["imagelength"] for page in as_read(other)] == [40, 40, 40, 40, 20, 40, 40]
    assert as_read(other) == each_parsed(other)
    assert count_parsed(other, monkeypatch) == 5


def test_levels_of_a_pyramid_keep_their_own(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.tif"
    with tifffile.TiffWriter(path) as file:
        for plane in planes(4):
            file.write(plane, metadata=None, photometric="minisblack", subifds=1)
            file.write(plane[::2, ::2], metadata=None, photometric="minisblack", subfiletype=1)
    assert as_read(path) == each_parsed(path)
    assert len({page["subifds"] for page in as_read(path)}) == 4


@pytest.mark.parametrize("form", FORMS[:6], ids=lambda form: "-".join(map(str, form)) or "plain")
def test_damaged_files_are_what_they_were(form: dict[str, Any], tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.tif", planes(5)[:, :20, :20], **form).read_bytes()
    chance = random.Random(0)
    with tifffile.TiffFile(tmp_path / "whole.tif") as tiff:
        directories = [page.offset for page in tiff.pages]
    for number in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 2, 8))):
            start = chance.choice(directories) if number % 3 else 0
            data[min(len(data) - 1, start + chance.randrange(200))] = chance.randrange(256)
        path = tmp_path / f"{number}.tif"
        path.write_bytes(data[: chance.randrange(200, len(data))] if number % 10 == 0 else data)
        assert outcome(as_read, path) == outcome(each_parsed, path), number


def outcome(read: Any, path: Path) -> Any:
    _tiff_file._first_page.cache_clear()
    try:
        return repr(read(path))
    except UnreadableFileError as error:
        return str(error)


@pytest.mark.realdata
def test_real_files(sample_data: Path) -> None:
    files = [path for path in sample_data.rglob("*") if path.suffix.lower() in {".tif", ".tiff", ".svs", ".qptiff"}]
    assert files
    for path in files:
        assert outcome(as_read, path) == outcome(each_parsed, path), path.name
