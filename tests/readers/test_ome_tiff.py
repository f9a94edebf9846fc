"""OME-TIFF: images, files, names, sizes, and XML that does not tell the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import Roi
from spora_build.readers import find_reader, ome_tiff
from tests.readers import tiff_makers
from tests.readers.sample_makers import some_pixels

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def whole(roi: Roi) -> NDArray[Any]:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems if "-MPP-" not in problem.code]


def image(sizes: str = "", inside: str = "", pixels: str = "", name: str = "a", order: str = "XYCZT") -> str:
    """An Image element; ``sizes`` such as ``X=30 Y=20 C=3``, all others 1."""
    given = dict.fromkeys("XYZCT", "1") | dict(part.split("=") for part in sizes.split())
    attributes = " ".join(f'Size{axis}="{size}"' for axis, size in given.items())
    return (
        f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint16" '
        f"{attributes} {pixels}>{inside}</Pixels></Image>"
    )


def ome(*images: str, uuid: str = "urn:uuid:1") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{NAMESPACE}" UUID="{uuid}">{"".join(images)}</OME>'


def write(path: Path, planes: Sequence[NDArray[Any]], xml: str, **options: Any) -> None:
    """Planes as pages; the XML in the first."""
    with tifffile.TiffWriter(path) as file:
        for index, plane in enumerate(planes):
            options = {"photometric": "minisblack", "metadata": None, **options}
            file.write(plane, description=xml.encode() if index == 0 else None, **options)


def only(path: Path) -> tuple[Roi, NDArray[Any]]:
    """The only Roi of a file, and its pixels."""
    with ome_tiff.open_rois(path) as (roi,):
        return roi, whole(roi)


def test_names_size_and_full_resolution(tmp_path: Path) -> None:
    pixels = some_pixels((3, 150, 140), "uint16")
    tiff_makers.write_pyramid(tmp_path / "a.ome.tif", pixels, names=["DAPI", "CD3ε", "α-SMA"], mpp=0.3775)
    roi, read = only(tmp_path / "a.ome.tif")
    assert roi.channel_names == ("DAPI", "CD3ε", "α-SMA")
    assert roi.pixel_size is not None
    assert roi.pixel_size.mpp == 0.3775
    assert roi.problems == ()
    assert (roi.block.height, roi.block.width) == (64, 64)
    np.testing.assert_array_equal(read, pixels)


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", some_pixels((3, 9, 9), "uint16"), ome=True, metadata={"axes": "CYX"})
    tifffile.imwrite(tmp_path / "b.ome.tif", some_pixels((3, 9, 9), "uint16"), ome=False, photometric="minisblack")
    assert ome_tiff.can_read(tmp_path / "a.tif")
    assert not ome_tiff.can_read(tmp_path / "b.ome.tif")
    found = find_reader(tmp_path / "b.ome.tif")
    assert found is not None
    assert found.__name__.endswith(".tiff")


def test_six_images_in_one_file(tmp_path: Path) -> None:
    images = [some_pixels((2, 20 + n, 30), "uint16", seed=n) for n in range(6)]
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        for n, pixels in enumerate(images):
            file.write(
                pixels,
                photometric="minisblack",
                metadata={"axes": "CYX", "Name": f"core {n // 2}", "Channel": {"Name": [f"a{n}", "b"]}},
            )
    with ome_tiff.open_rois(tmp_path / "a.ome.tif") as rois:
        assert [roi.name for roi in rois] == [f"core {n // 2} {n + 1}" for n in range(6)]
        for n, (roi, pixels) in enumerate(zip(rois, images, strict=True)):
            assert roi.channel_names == (f"a{n}", "b")
            np.testing.assert_array_equal(whole(roi), pixels)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_rgb(tmp_path: Path, planar: str) -> None:
    pixels = some_pixels((3, 50, 60), "uint8")
    stored, axes = (np.moveaxis(pixels, 0, -1), "YXS") if planar == "contig" else (pixels, "SYX")
    tifffile.imwrite(
        tmp_path / "a.ome.tif", stored, ome=True, photometric="rgb", planarconfig=planar, metadata={"axes": axes}
    )
    roi, read = only(tmp_path / "a.ome.tif")
    assert roi.is_rgb
    assert roi.channel_names == ()
    assert codes(roi) == []
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("order", ["XYCZT", "XYZCT", "XYTZC", "XYTCZ"])
@pytest.mark.parametrize("axis", ["C", "T", "Z"])
def test_channels_along_any_single_axis(tmp_path: Path, axis: str, order: str) -> None:
    """MCD Viewer stores channels as time points and names them in PageName."""
    pixels = some_pixels((4, 20, 30), "uint16")
    xml = ome(image(f"X=30 Y=20 {axis}=4", '<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData/>', order=order))
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as file:
        for n, plane in enumerate(pixels):
            tags = [(285, "s", 0, f"Er{n}", True)]
            said = xml if n == 0 else None
            file.write(plane, photometric="minisblack", description=said, extratags=tags, metadata=None)
    roi, read = only(tmp_path / "a.ome.tif")
    assert roi.channel_names == ("Er0", "Er1", "Er2", "Er3")
    np.testing.assert_array_equal(read, pixels)


def test_real_stack_is_refused(tmp_path: Path) -> None:
    xml = ome(image("X=30 Y=20 C=2 Z=3", "<TiffData/>"))
    write(tmp_path / "a.ome.tif", some_pixels((6, 20, 30), "uint16"), xml)
    with ome_tiff.open_rois(tmp_path / "a.ome.tif") as (roi,):
        (problem,) = [problem for problem in roi.problems if problem.code.startswith("E-TIFF")]
        assert problem.code == "E-TIFF-003"
        assert "2 × C, 3 × Z" in problem.what
        with pytest.raises(UnreadableFileError):
            roi.read([0], Window(0, 0, 1, 1))


def test_tiffdata_in_any_order(tmp_path: Path) -> None:
    pixels = some_pixels((3, 20, 30), "uint16")
    data = "".join(f'<TiffData IFD="{ifd}" FirstC="{c}" PlaneCount="1"/>' for ifd, c in ((0, 2), (1, 0), (2, 1)))
    write(tmp_path / "a.ome.tif", pixels, ome(image("X=30 Y=20 C=3", data)))
    _, read = only(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(read, pixels[[1, 2, 0]])


def set_of_files(folder: Path, *, companion: bool) -> NDArray[Any]:
    pixels = some_pixels((3, 20, 30), "uint16")
    data = "".join(
        f'<TiffData IFD="0" FirstC="{c}" PlaneCount="1"><UUID FileName="part{c}.ome.tif">urn:uuid:{c}</UUID></TiffData>'
        for c in range(3)
    )
    channels = "".join(f'<Channel ID="Channel:0:{c}" Name="m{c}"/>' for c in range(3))
    described = image("X=30 Y=20 C=3", channels + data, 'PhysicalSizeX="0.5" PhysicalSizeY="0.5"')
    for c, plane in enumerate(pixels):
        xml = ome(described, uuid=f"urn:uuid:{c}")
        if companion:
            xml = ome('<BinaryOnly MetadataFile="set.companion.ome" UUID="urn:uuid:9"/>', uuid=f"urn:uuid:{c}")
        write(folder / f"part{c}.ome.tif", [plane], xml)
    if companion:
        (folder / "set.companion.ome").write_text(ome(described, uuid="urn:uuid:9"), encoding="utf-8")
    return pixels


@pytest.mark.parametrize("companion", [True, False])
def test_any_file_of_a_set_opens_the_set(tmp_path: Path, companion: bool) -> None:
    pixels = set_of_files(tmp_path, companion=companion)
    for path in sorted(tmp_path.iterdir()):
        found = find_reader(path)
        assert found is not None
        with found.open_rois(path) as (roi,):
            assert roi.channel_names == ("m0", "m1", "m2")
            assert roi.pixel_size is not None
            assert codes(roi) == ["N-TIFF-023"]
            np.testing.assert_array_equal(whole(roi), pixels)


@pytest.mark.parametrize("companion", [True, False])
def test_channel_of_a_missing_file_is_named(tmp_path: Path, companion: bool) -> None:
    """The channel and the file that speaks of it; a name that stands in a header may be a patient's."""
    set_of_files(tmp_path, companion=companion)
    (tmp_path / "part1.ome.tif").unlink()
    with ome_tiff.open_rois(tmp_path / "part0.ome.tif") as (roi,):
        assert codes(roi) == ["E-TIFF-005"]
        assert "channel 2" in roi.problems[0].what
        assert "part1" not in str(roi.problems[0])
        with pytest.raises(UnreadableFileError, match=r"E-TIFF-005 (part0|set)\."):
            roi.read([0], Window(0, 0, 1, 1))


def test_missing_companion(tmp_path: Path) -> None:
    set_of_files(tmp_path, companion=True)
    (tmp_path / "set.companion.ome").unlink()
    with pytest.raises(UnreadableFileError, match=r"E-TIFF-004 part0.*companion file"):
        only(tmp_path / "part0.ome.tif")


def test_files_outside_of_the_folder_are_never_opened(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    pixels = some_pixels((2, 20, 30), "uint16")
    write(tmp_path / "secret.tif", pixels[1:], ome(image("X=30 Y=20", "<TiffData/>")))
    for name in ("../secret.tif", "..\\secret.tif", str(tmp_path / "secret.tif")):
        data = f'<TiffData FirstC="1" IFD="0"><UUID FileName="{name}">urn:uuid:2</UUID></TiffData>'
        write(inside / "a.ome.tif", pixels[:1], ome(image("X=30 Y=20 C=2", '<TiffData IFD="0"/>' + data)))
        with ome_tiff.open_rois(inside / "a.ome.tif") as (roi,):
            assert codes(roi) == ["E-TIFF-005"]


def test_renamed_file_is_itself(tmp_path: Path) -> None:
    pixels = some_pixels((2, 20, 30), "uint16")
    for uuid in ("urn:uuid:1", "urn:uuid:other"):
        data = f'<TiffData PlaneCount="2" IFD="0"><UUID FileName="old name.ome.tif">{uuid}</UUID></TiffData>'
        write(tmp_path / "new.ome.tif", pixels, ome(image("X=30 Y=20 C=2", data)))
        roi, read = only(tmp_path / "new.ome.tif")
        assert codes(roi) == []
        np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        ("X=31 Y=20 C=3", "W-TIFF-011"),
        ("X=3 Y=2 C=3", "W-TIFF-011"),
        ("X=30 Y=20 C=5", "W-TIFF-012"),
        ("X=30 Y=20 C=1", "W-TIFF-012"),
        ("X=30 Y=20 C=2 Z=4", "W-TIFF-012"),
    ],
)
def test_pixels_are_believed_before_the_xml(tmp_path: Path, sizes: str, code: str) -> None:
    pixels = some_pixels((3, 20, 30), "uint16")
    write(tmp_path / "a.ome.tif", pixels, ome(image(sizes, "<TiffData/>")))
    roi, read = only(tmp_path / "a.ome.tif")
    assert code in codes(roi)
    np.testing.assert_array_equal(read, pixels)


def test_declared_type_is_not_believed(tmp_path: Path) -> None:
    pixels = some_pixels((1, 20, 30), "uint8")
    write(tmp_path / "a.ome.tif", pixels, ome(image("X=30 Y=20", "<TiffData/>")))
    roi, read = only(tmp_path / "a.ome.tif")
    assert codes(roi) == ["W-TIFF-011"]
    np.testing.assert_array_equal(read, pixels)


BROKEN = {
    "cut": ome(image("X=30 Y=20 C=3"))[:150] + "</OME>",
    "entities": '<!DOCTYPE x [<!ENTITY a "b">]>' + ome(image("X=30 Y=20 C=3", "&a;")).partition("?>")[2],
    "no number": ome(image("X=thirty Y=20 C=3")),
    "sizes beyond reason": ome(image("X=30 Y=20 C=99999999")),
    "zero": ome(image("X=30 Y=20 C=0")),
    "no such order": ome(image("X=30 Y=20 C=3", order="CXYZT")),
    "no images": ome(),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_broken_xml_leaves_the_pages(tmp_path: Path, case: str) -> None:
    pixels = some_pixels((3, 20, 30), "uint16")
    write(tmp_path / "a.ome.tif", pixels, BROKEN[case])
    assert ome_tiff.can_read(tmp_path / "a.ome.tif")
    roi, read = only(tmp_path / "a.ome.tif")
    assert codes(roi) == ["W-TIFF-011"]
    np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize(
    ("attributes", "mpp", "code"),
    [
        ('PhysicalSizeX="0.5" PhysicalSizeY="0.5"', 0.5, None),
        ('PhysicalSizeX="500" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5" PhysicalSizeYUnit="µm"', 0.5, None),
        ('PhysicalSizeX="5E-4" PhysicalSizeXUnit="mm" PhysicalSizeY="5e-4" PhysicalSizeYUnit="mm"', 0.5, None),
        ('PhysicalSizeX="5000" PhysicalSizeXUnit="Å" PhysicalSizeY="5000" PhysicalSizeYUnit="Å"', 0.5, None),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="\\u00B5m" PhysicalSizeY="1" PhysicalSizeYUnit="\\u00B5m"', 1.0, None),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeYUnit="pixel"', None, "E-MPP-006"),
        ('PhysicalSizeX="0.5"', None, "E-MPP-005"),
        ('PhysicalSizeX="0.5" PhysicalSizeY="0.6"', None, "E-MPP-003"),
        ('PhysicalSizeX="352.7" PhysicalSizeY="352.7"', None, "E-MPP-002"),
        ('PhysicalSizeX="NaN" PhysicalSizeY="NaN"', None, "E-MPP-004"),
        ('PhysicalSizeX="half" PhysicalSizeY="half"', None, "E-MPP-004"),
        ('PhysicalSizeX="0" PhysicalSizeY="0"', None, "E-MPP-004"),
        ("", None, "E-MPP-001"),
    ],
)
def test_pixel_size(tmp_path: Path, attributes: str, mpp: float | None, code: str | None) -> None:
    xml = ome(image("X=30 Y=20", "<TiffData/>", attributes))
    write(tmp_path / "a.ome.tif", some_pixels((1, 20, 30), "uint16"), xml)
    roi, _ = only(tmp_path / "a.ome.tif")
    assert (roi.pixel_size.mpp if roi.pixel_size else None) == mpp
    assert [problem.code for problem in roi.problems] == ([code] if code else [])


def test_tiff_resolution_speaks_where_the_xml_is_silent(tmp_path: Path) -> None:
    xml = ome(image("X=30 Y=20", "<TiffData/>"))
    where = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    write(tmp_path / "a.ome.tif", some_pixels((1, 20, 30), "uint16"), xml, **where)
    roi, _ = only(tmp_path / "a.ome.tif")
    assert roi.pixel_size is not None
    assert (roi.pixel_size.mpp, roi.pixel_size.origin) == (0.5, "TIFF XResolution")


def test_channels_without_a_name_are_numbered(tmp_path: Path) -> None:
    channels = (
        '<Channel ID="Channel:0:0" Name="DAPI"/><Channel ID="Channel:0:1"/><Channel ID="Channel:0:2" Fluor="Cy3"/>'
    )
    write(tmp_path / "a.ome.tif", some_pixels((3, 20, 30), "uint16"), ome(image("X=30 Y=20 C=3", channels)))
    roi, _ = only(tmp_path / "a.ome.tif")
    assert roi.channel_names == ("DAPI", "Channel 2", "Cy3")
