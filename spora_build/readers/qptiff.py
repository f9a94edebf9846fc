"""Akoya and PerkinElmer images with QPI XML in every page: QPTIFF scans and inForm component data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spora_build.model.roi import Roi
from spora_build.readers._file_bytes import damaged
from spora_build.readers._pixel_size import from_tiff
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi

PRIORITY = 5
_ROOT = "PerkinElmer-QPI-ImageDescription"
_CODEX = re.compile("phenocycler|fusion|codex", re.IGNORECASE)


@dataclass(frozen=True)
class PageXml:
    """What the XML of one page says."""

    image_type: str
    """``FullResolution``, ``ReducedResolution``, ``Thumbnail``, ``Overview``, ``Label``."""
    name: str
    """The biomarker, else the name of the fluorophore."""
    software: str


def can_read(path: Path) -> bool:
    """A TIFF file whose first page is described by QPI XML."""
    page = first_page(path)
    return page is not None and f"<{_ROOT}" in page.description[:1000]


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi of the pages of type FullResolution: a channel each, or a picture. Raises UnreadableFileError."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            pages = [(page, page_xml(page.description or "")) for page in pages_of(tiff, path.name)]
            full = [(page, xml) for page, xml in pages if xml is not None and xml.image_type == "FullResolution"]
            if not full:
                raise damaged(path.name, "none of its pages says that it is at full resolution")
            first = full[0][0]
            roi = make_roi(
                store,
                [(path, page) for page, _ in full],
                file=path.name,
                measured=from_tiff(first, path.name),
                kind="QPTIFF" if first.is_tiled else "inForm component data",
                channel_names=tuple(xml.name for _, xml in full),
                modality_hint="codex" if _CODEX.search(full[0][1].software) else None,
            )
        yield [roi]


def page_xml(description: str) -> PageXml | None:
    """Parse a page's XML; None where it has none. It is decoded already, whatever encoding its first line claims."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    if _ROOT not in description:
        return None
    try:
        root = fromstring(re.sub(r"^[^<]*<\?xml[^>]*\?>", "", description.strip("\0 \r\n\t\ufeff")))
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return PageXml(
        _text(root, "ImageType"), _text(root, "Biomarker") or _text(root, "Name"), _text(root, "AcquisitionSoftware")
    )


def _text(root: Any, name: str) -> str:
    return (root.findtext(name) or "").strip()
