"""OME-XML as frozen values: what an OME header claims, before anybody checks it against the pixels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from spora_build.readers._pixel_size import Measured, absent, from_units

MAX_PLANES = 1_000_000
MAX_CHARACTERS = 256 * 2**20


class OmeXmlError(ValueError):
    """The text is no OME-XML, or claims what cannot be."""


@dataclass(frozen=True)
class PlaneAddress:
    """Where a plane lies."""

    file: str | None
    """File name without folder; None for the file that holds the XML."""
    ifd: int


@dataclass(frozen=True)
class OmeImage:
    """One Image element with its first Pixels."""

    name: str
    order: str
    """DimensionOrder, fastest first: ``XYCZT``."""
    sizes: dict[str, int]
    """X, Y, Z, C, T. C counts samples: an RGB image has C = 3."""
    dtype: str
    channel_names: tuple[str, ...]
    """One per Channel element, an empty text where it has no name."""
    samples: int
    """SamplesPerPixel of the first channel."""
    physical_size: Measured
    planes: dict[tuple[int, int, int], PlaneAddress] = field(default_factory=dict)
    """(c, z, t) → address; c counts planes (an RGB plane is one). Empty where the XML has no TiffData."""

    @property
    def plane_sizes(self) -> tuple[int, int, int]:
        """C (in planes), Z, T."""
        return max(1, self.sizes["C"] // self.samples), self.sizes["Z"], self.sizes["T"]


@dataclass(frozen=True)
class OmeMetadata:
    """A whole OME element."""

    uuid: str
    images: tuple[OmeImage, ...]
    metadata_file: str | None
    """BinaryOnly: the file that holds the real metadata."""


def parse_ome_xml(text: str, file: str) -> OmeMetadata:
    """Parse OME-XML; ``file`` is its name in problems. Raises OmeXmlError."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if len(text) > MAX_CHARACTERS:
        raise OmeXmlError("the OME-XML is larger than 256 MiB")
    try:
        root = fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", text.strip("\0 \t\r\n\ufeff")))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise OmeXmlError(f"the OME-XML cannot be parsed ({type(error).__name__})") from error
    if _tag(root) != "OME":
        raise OmeXmlError("the XML is no <OME>")
    uuid = root.get("UUID", "")
    metadata_file = None
    for binary_only in _children(root, "BinaryOnly"):
        metadata_file = _file_name(binary_only.get("MetadataFile", ""))
    images = tuple(
        _image(element, pixels, uuid, file)
        for element in _children(root, "Image")
        for pixels in _children(element, "Pixels")[:1]
    )
    return OmeMetadata(uuid, images, metadata_file)


def _image(element: Any, pixels: Any, uuid: str, file: str) -> OmeImage:
    channels = _children(pixels, "Channel")
    samples = _integer(channels[0].get("SamplesPerPixel"), 1) if channels else 1
    sizes = {axis: _integer(pixels.get(f"Size{axis}"), 1) for axis in "XYZCT"}
    if min(sizes.values()) < 1 or samples < 1 or sizes["C"] * sizes["Z"] * sizes["T"] > MAX_PLANES:
        raise OmeXmlError("the OME-XML declares sizes that cannot be")
    order = pixels.get("DimensionOrder", "XYCZT")
    if len(order) != 5 or set(order) != set("XYZCT") or order[:2] != "XY":
        raise OmeXmlError("the OME-XML declares an order of dimensions that does not exist")
    bare = OmeImage(
        name=element.get("Name") or "",
        order=order,
        sizes=sizes,
        dtype=pixels.get("Type") or pixels.get("PixelType") or "",
        channel_names=tuple((channel.get("Name") or channel.get("Fluor") or "").strip() for channel in channels),
        samples=samples,
        physical_size=_physical_size(pixels, file),
    )
    planes: dict[tuple[int, int, int], PlaneAddress] = {}
    for data in _children(pixels, "TiffData"):
        _add_planes(planes, data, bare, uuid)
    bare.planes.update(planes)
    return bare


def _add_planes(planes: dict[tuple[int, int, int], PlaneAddress], data: Any, image: OmeImage, uuid: str) -> None:
    sizes = dict(zip("CZT", image.plane_sizes, strict=True))
    axes = image.order[2:]
    total = sizes["C"] * sizes["Z"] * sizes["T"]
    first_ifd = _integer(data.get("IFD"), 0)
    at = [_integer(data.get(f"First{axis}"), 0) for axis in axes]
    first = at[0] + sizes[axes[0]] * (at[1] + sizes[axes[1]] * at[2])
    count = data.get("PlaneCount") or data.get("NumPlanes")
    planes_here = _integer(count, 1) if count else (1 if data.get("IFD") is not None else total - first)
    file: str | None = None
    for element in _children(data, "UUID"):
        if (element.text or "").strip() != uuid or not uuid:
            file = _file_name(element.get("FileName", "")) or None
    for number in range(min(planes_here, max(0, total - first))):
        rest = first + number
        place = {}
        for axis in axes:
            rest, place[axis] = divmod(rest, sizes[axis])
        planes[place["C"], place["Z"], place["T"]] = PlaneAddress(file, first_ifd + number)


def _physical_size(pixels: Any, file: str) -> Measured:
    x, y = (_number(pixels.get(f"PhysicalSize{axis}")) for axis in "XY")
    if x is None and y is None:
        return absent(file)
    units = (pixels.get("PhysicalSizeXUnit") or "µm", pixels.get("PhysicalSizeYUnit") or "µm")
    return from_units(x, y, *units, "OME-XML PhysicalSizeX", file)


def _number(text: str | None) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return float("nan")


def _integer(text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise OmeXmlError("the OME-XML has a text where a whole number belongs") from error


def _file_name(text: str) -> str:
    """The last part of a path of any system: members of a set lie in one folder, and nothing outside is opened."""
    return PurePosixPath(PureWindowsPath(text).name).name


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if _tag(child) == name]
