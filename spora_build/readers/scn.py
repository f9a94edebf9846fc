"""Leica SCN: scanned areas as its XML lists them; the overview of the slide is never read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._file_bytes import damaged
from spora_build.readers._pixel_size import from_um
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of, unsupported
from spora_build.readers._tiff_pixels import TiffStore, tiff_store
from spora_build.readers._tiff_roi import make_roi, refused_roi, stack_problem

KIND = "Leica SCN"
PRIORITY = 5
_NAMESPACE = "leica-microsystems.com/scn"


@dataclass(frozen=True)
class Area:
    """One image element: a scanned area or the overview."""

    view_nm: tuple[float, float]
    """Width and height on the slide in nanometres."""
    size: Size
    ifds: tuple[int, ...]
    """Pages at full resolution, by channel."""
    slices: int
    is_overview: bool
    names: tuple[str, ...]


def can_read(path: Path) -> bool:
    """A TIFF file whose first page is described by Leica's SCN XML."""
    page = first_page(path)
    return page is not None and _NAMESPACE in page.description[:2000]


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi per scanned area, in the order of the XML. Raises UnreadableFileError."""
    page = first_page(path)
    if page is None:
        raise no_tiff(path)
    areas = [area for area in parse_scn(page.description, path.name) if not area.is_overview]
    if not areas:
        raise unsupported(path.name, "it holds no scanned area, only an overview", "scan the slide again.")
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            pages = pages_of(tiff, path.name)
            names = [f"area {index + 1}" if len(areas) > 1 else "" for index in range(len(areas))]
            rois = [_roi(store, path, pages, area, name) for area, name in zip(areas, names, strict=True)]
        yield rois


def _roi(store: TiffStore, path: Path, pages: list[Any], area: Area, name: str) -> Roi:
    if any(not 0 <= ifd < len(pages) for ifd in area.ifds):
        raise damaged(path.name, "its XML names pages that are not there")
    x_um, y_um = area.view_nm[0] / area.size.width / 1000, area.view_nm[1] / area.size.height / 1000
    measured = from_um(x_um, y_um, "Leica SCN view", path.name)
    if area.slices > 1:
        problem = stack_problem({"Z": area.slices}, path.name)
        return refused_roi(problem, area.size, kind=KIND, name=name, pixel_size=measured.pixel_size)
    channels = [(path, pages[ifd]) for ifd in area.ifds]
    names = area.names if len(area.names) == len(channels) else ()
    return make_roi(store, channels, file=path.name, measured=measured, kind=KIND, name=name, channel_names=names)


def parse_scn(text: str, file: str) -> list[Area]:
    """The images of SCN XML. Raises UnreadableFileError."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(text.strip("\0 \r\n\t").encode())
        return [
            _area(image, collection, is_only=len(images) == 1)
            for collection in _all(root, "collection")
            for images in [_all(collection, "image")]
            for image in images
        ]
    except (ParseError, DefusedXmlException, ValueError, KeyError, IndexError) as error:
        raise damaged(file, f"its SCN XML makes no sense ({type(error).__name__})") from error


def _area(image: Any, collection: Any, *, is_only: bool) -> Area:
    pixels, view = _all(image, "pixels")[0], _all(image, "view")[0]
    full = [dimension for dimension in _all(pixels, "dimension") if int(dimension.get("r", 0)) == 0]
    by_channel = {int(one.get("c", 0)): int(one.attrib["ifd"]) for one in full if int(one.get("z", 0)) == 0}
    view_nm = (float(view.attrib["sizeX"]), float(view.attrib["sizeY"]))
    slide = (float(collection.get("sizeX", "inf")), float(collection.get("sizeY", "inf")))
    covers_slide = all(side >= 0.99 * whole for side, whole in zip(view_nm, slide, strict=True))
    return Area(
        view_nm=view_nm,
        size=Size(int(full[0].attrib["sizeY"]), int(full[0].attrib["sizeX"])),
        ifds=tuple(ifd for _, ifd in sorted(by_channel.items())),
        slices=len({int(one.get("z", 0)) for one in full}),
        is_overview=covers_slide and not is_only,
        names=tuple((one.get("name") or "").strip() for one in image.iter() if _tag(one) == "channel"),
    )


def _tag(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _all(element: Any, name: str) -> list[Any]:
    return [child for child in element if _tag(child) == name]
