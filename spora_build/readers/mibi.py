"""MIBItiff (IONpath): one page per mass channel, each described by JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spora_build.model.roi import Roi
from spora_build.readers._file_bytes import damaged
from spora_build.readers._pixel_size import Measured, first_found, from_tiff, from_um
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff, pages_of
from spora_build.readers._tiff_pixels import tiff_store
from spora_build.readers._tiff_roi import make_roi

KIND = "MIBItiff"
PRIORITY = 5


def can_read(path: Path) -> bool:
    """A TIFF file whose first page is described by JSON with a mass channel or an image type."""
    page = first_page(path)
    return page is not None and bool({"channel.target", "image.type"} & description(page.description).keys())


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi of the pages with a mass channel; optical and label pages are left out. Raises UnreadableFileError."""
    if first_page(path) is None:
        raise no_tiff(path)
    with tiff_store() as store:
        with open_tiff(path) as tiff:
            described = [(page, description(page.description or "")) for page in pages_of(tiff, path.name)]
            channels = [
                (page, said)
                for page, said in described
                if "channel.target" in said and str(said.get("image.type", "SIMS")).upper() == "SIMS"
            ]
            if not channels:
                raise damaged(path.name, "none of its pages has a mass channel")
            page, said = channels[0]
            roi = make_roi(
                store,
                [(path, page) for page, _ in channels],
                file=path.name,
                measured=first_found(from_tiff(page, path.name), field_of_view(page.imagewidth, said, path.name)),
                kind=KIND,
                channel_names=tuple(str(said["channel.target"] or "").strip() for _, said in channels),
                modality_hint="mibi",
            )
        yield [roi]


def description(text: str) -> dict[str, Any]:
    """The JSON of a page, empty where it is something else."""
    if not text.startswith("{"):
        return {}
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def field_of_view(width_px: int, said: dict[str, Any], file: str) -> Measured:
    """Pixel size from the side of the field of view in µm, as the JSON of a page says it."""
    side = said.get("mibi.size", said.get("mibi.fov_size"))
    try:
        mpp = float(side) / width_px if side is not None else None
    except (TypeError, ValueError):
        mpp = float("nan")
    return from_um(mpp, mpp, "MIBItiff field of view", file)
