"""Files as slide scanners and spectral imagers write them, made for tests.

Each maker returns the pixels of the scan as (C, H, W). Every page that must never be read is filled with 7.
"""

from __future__ import annotations

import io
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

FORBIDDEN = 7
JPEG_RGB = {"compression": "jpeg", "photometric": "rgb", "tile": (64, 64), "metadata": None}


def picture(height: int, width: int) -> NDArray[Any]:
    """A smooth colour picture (H, W, 3) that JPEG does not ruin, different at every pixel."""
    rows, cols = np.mgrid[0:height, 0:width]
    return np.stack([rows * 200 // height + 20, cols * 200 // width + 20, (rows + cols) % 200], -1).astype("uint8")


def forbidden(height: int, width: int, dtype: str = "uint8", samples: int = 3) -> NDArray[Any]:
    """A page that no reader may show."""
    return np.full((height, width, samples)[: 3 if samples > 1 else 2], FORBIDDEN, dtype)


def stored(path: Path, page: int = 0) -> NDArray[Any]:
    """What tifffile itself decodes of an RGB page, as (3, H, W)."""
    with tifffile.TiffFile(path) as tiff:
        return np.ascontiguousarray(np.moveaxis(tiff.pages[page].asarray(), -1, 0))


def write_svs(path: Path, mpp: str = "0.4990", focal_planes: int = 1) -> NDArray[Any]:
    """Aperio: scan, thumbnail, further focal planes, level, label, macro."""
    said = f"Aperio Image Library v12.0\r\n300x200 [0,0 300x200] (64x64) JPEG/RGB Q=90|AppMag = 20|MPP = {mpp}|Left = 1"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(picture(200, 300), description=said, **JPEG_RGB)
        strips = {"photometric": "rgb", "metadata": None}
        tiff.write(forbidden(100, 150), description="Aperio\r\n thumbnail", **strips)
        for _ in range(focal_planes - 1):
            tiff.write(forbidden(200, 300), description="Aperio focal plane", **JPEG_RGB)
        tiff.write(forbidden(50, 75), description="Aperio level", **JPEG_RGB)
        tiff.write(forbidden(200, 300), description="Aperio label 300x200", subfiletype=1, **strips)
        tiff.write(forbidden(80, 300), description="Aperio macro 300x80", subfiletype=9, **strips)
    return stored(path)


def write_ndpi(path: Path, focal_planes: int = 1) -> NDArray[Any]:
    """Hamamatsu: one JPEG strip with restart markers listed in McuStarts; a level, a macro (-1) and a map (-2)."""
    with tifffile.TiffWriter(path) as tiff:
        for depth in range(focal_planes):
            pixels = _write_ndpi_page(tiff, picture(120, 256), 20.0, depth)
        _write_ndpi_page(tiff, forbidden(64, 128), 5.0, 0)
        _write_ndpi_page(tiff, forbidden(400, 512), -1.0, 0)
        _write_ndpi_page(tiff, forbidden(40, 64), -2.0, 0)
    _widen_offsets(path)
    return np.ascontiguousarray(np.moveaxis(pixels, -1, 0))


def _widen_offsets(path: Path) -> None:
    """Write the page headers anew behind the pixels, as NDPI has them: 64-bit links, high halves after the tags."""
    data = bytearray(path.read_bytes())
    (offset,) = struct.unpack_from("<I", data, 4)
    link = 4
    while offset:
        (count,) = struct.unpack_from("<H", data, offset)
        header = data[offset : offset + 2 + 12 * count]
        (following,) = struct.unpack_from("<I", data, offset + 2 + 12 * count)
        data += bytes(len(data) % 2)
        here = len(data)
        data += header + bytes(8) + bytes(4 * count)
        struct.pack_into("<Q", data, link, here)
        link, offset = here + len(header), following
    path.write_bytes(data)


def _write_ndpi_page(tiff: tifffile.TiffWriter, pixels: NDArray[Any], magnification: float, depth: int) -> NDArray[Any]:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0, restart_marker_blocks=8)
    data = stream.getvalue()
    start = data.index(b"\xff\xda")
    first = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    starts = [first] + [first + match.end() for match in re.finditer(rb"\xff[\xd0-\xd7]", data[first:])]
    tags = [
        (65420, "I", 1, 1, True),
        (65421, "f", 1, magnification, True),
        (65424, "i", 1, depth, True),
        (65426, "I", len(starts), starts, True),
        (271, "s", 0, "Hamamatsu", True),
    ]
    tiff.write(
        iter([data]),
        shape=pixels.shape,
        dtype=pixels.dtype,
        photometric="ycbcr",
        subsampling=(1, 1),
        compression="jpeg",
        rowsperstrip=pixels.shape[0],
        resolution=(1e4 / 0.46, 1e4 / 0.46),
        resolutionunit="CENTIMETER",
        extratags=tags,
        metadata=None,
    )
    return np.asarray(Image.open(stream))


def qpi_xml(image_type: str, name: str = "", biomarker: str = "", software: str = "PhenoCycler Fusion") -> str:
    """QPI XML, which claims an encoding that it does not have."""
    more = (f"<Biomarker>{biomarker}</Biomarker>" if biomarker else "") + (f"<Name>{name}</Name>" if name else "")
    return (
        '<?xml version="1.0" encoding="utf-16"?>\r\n<PerkinElmer-QPI-ImageDescription>'
        f"<DescriptionVersion>6</DescriptionVersion><AcquisitionSoftware>{software}</AcquisitionSoftware>"
        f"<ImageType>{image_type}</ImageType>{more}"
        "<ScanProfile><Name>no channel</Name></ScanProfile></PerkinElmer-QPI-ImageDescription>"
    )


def write_qptiff(path: Path, pixels: NDArray[Any], names: list[tuple[str, str]]) -> NDArray[Any]:
    """Akoya: (C, H, W) pixels, a thumbnail, a level, overview and label; ``names``: (Name, Biomarker) per channel."""
    grey = {"photometric": "minisblack", "compression": "lzw", "tile": (64, 64), "metadata": None}
    where = {"resolution": (1e4 / 0.5077, 1e4 / 0.5077), "resolutionunit": "CENTIMETER"}
    rgb = {"photometric": "rgb", "metadata": None}
    height, width = pixels.shape[1:]
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for plane, (name, biomarker) in zip(pixels, names, strict=True):
            tiff.write(plane, description=qpi_xml("FullResolution", name, biomarker), **grey, **where)
        tiff.write(forbidden(60, 70), description=qpi_xml("Thumbnail"), **rgb)
        for name, biomarker in names:
            level = forbidden(height // 2, width // 2, str(pixels.dtype), 1)
            tiff.write(level, description=qpi_xml("ReducedResolution", name, biomarker), **grey)
        tiff.write(forbidden(height, width), description=qpi_xml("Overview"), **rgb)
        tiff.write(forbidden(height, width), description=qpi_xml("Label"), **rgb)
    return pixels


def write_mibi(path: Path, pixels: NDArray[Any], targets: list[str]) -> NDArray[Any]:
    """IONpath: a page per mass, then an optical picture."""
    side_um = pixels.shape[2] * 0.390625
    with tifffile.TiffWriter(path) as tiff:
        for mass, (plane, target) in enumerate(zip(pixels, targets, strict=True), 100):
            said = {"image.type": "SIMS", "channel.mass": mass, "channel.target": target, "mibi.run": "x"}
            resolution = pixels.shape[2] * 1e4 / side_um
            tiff.write(
                plane,
                description=json.dumps(said),
                photometric="minisblack",
                compression="zlib",
                resolution=(resolution, resolution),
                resolutionunit="CENTIMETER",
                extratags=[(285, "s", 0, f"{target} ({mass})", True)],
                metadata=None,
            )
        optical = json.dumps({"image.type": "Optical"})
        tiff.write(forbidden(300, 400), description=optical, photometric="rgb", metadata=None)
    return pixels


def scn_xml(slices: int = 1) -> str:
    """Leica: an overview that covers the slide (page 0), and an area of 300 × 200 pixels of 0.5 µm (pages 1, 2)."""
    more = "".join(f'<dimension r="0" z="{z}" ifd="1" sizeX="300" sizeY="200"/>' for z in range(1, slices))
    return (
        '<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'
        '<collection name="slide" sizeX="26564529" sizeY="76734694">'
        '<image name="secret 1"><pixels sizeX="80" sizeY="230">'
        '<dimension r="0" ifd="0" sizeX="80" sizeY="230"/></pixels>'
        '<view sizeX="26564529" sizeY="76734694" offsetX="0" offsetY="0"/></image>'
        '<image name="secret 2"><pixels sizeX="300" sizeY="200"><dimension r="0" ifd="1" sizeX="300" sizeY="200"/>'
        f'{more}<dimension r="1" ifd="2" sizeX="75" sizeY="50"/></pixels>'
        '<view sizeX="150000" sizeY="100000" offsetX="5" offsetY="6"/></image></collection></scn>'
    )


def write_scn(path: Path, slices: int = 1) -> NDArray[Any]:
    """Leica: overview, scan, level."""
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(forbidden(230, 80), description=scn_xml(slices), **JPEG_RGB)
        tiff.write(picture(200, 300), **JPEG_RGB)
        tiff.write(forbidden(50, 75), **JPEG_RGB)
    return stored(path, 1)


def write_philips(path: Path) -> NDArray[Any]:
    """Philips: scan, level, macro and label as strips."""
    said = (
        '<?xml version="1.0" encoding="UTF-8" ?><DataObject ObjectType="DPUfsImport">'
        '<DataObject ObjectType="PixelDataRepresentation"><Attribute Name="DICOM_PIXEL_SPACING" Group="0x0028">'
        "&quot;0.000251&quot; &quot;0.000251&quot;</Attribute></DataObject>"
        '<DataObject ObjectType="PixelDataRepresentation"><Attribute Name="DICOM_PIXEL_SPACING" Group="0x0028">'
        "&quot;0.001004&quot; &quot;0.001004&quot;</Attribute></DataObject></DataObject>"
    )
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(picture(192, 320), description=said, software="Philips DP v1.0", **JPEG_RGB)
        tiff.write(forbidden(64, 64), description="level=1", **JPEG_RGB)
        tiff.write(forbidden(192, 320), description="Macro", photometric="rgb", metadata=None)
        tiff.write(forbidden(300, 400), description="Label", photometric="rgb", metadata=None)
    return stored(path)


def write_bif(path: Path, overlap: int = 0) -> NDArray[Any]:
    """Ventana: label, scan, level."""
    scanner = b'<Metadata><iScan ScanRes="0.2325" Magnification="40"/></Metadata>'
    joint = f'<TileJointInfo OverlapX="{overlap}" OverlapY="0"/>'
    joints = f"<EncodeInfo><SlideStitchInfo>{joint}</SlideStitchInfo></EncodeInfo>"
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(
            forbidden(300, 200),
            description="Label_Image",
            software="ScanOutputManager 1.1",
            photometric="rgb",
            extratags=[(700, "B", len(scanner), scanner, True)],
            metadata=None,
        )
        tags = [(700, "B", len(joints), joints.encode(), True)]
        tiff.write(picture(128, 192), description="level=0 mag=40 quality=95", extratags=tags, **JPEG_RGB)
        tiff.write(forbidden(64, 96), description="level=1 mag=20 quality=95", **JPEG_RGB)
    return stored(path, 1)
