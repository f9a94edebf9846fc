"""Formats of microscopes that are known and not read: what to do with them."""

from __future__ import annotations

from pathlib import Path

from spora_build.errors import Place, Problem

_EXPORT = "convert it with bioformats2raw and list the OME-Zarr, or export it as OME-TIFF at full resolution"
_FORMATS = {
    ".vsi": (
        "Olympus and Evident cellSens (.vsi): the file itself holds a preview only, its pixels lie elsewhere",
        f"{_EXPORT} (QuPath opens .vsi)",
    ),
    ".im3": (
        "unmixed Vectra data (.im3) before inForm",
        "list the component data (*_component_data.tif) that inForm makes of it",
    ),
    ".lif": ("Leica LAS (.lif)", _EXPORT),
    ".nd2": ("Nikon (.nd2)", _EXPORT),
    ".oib": ("Olympus FluoView (.oib)", _EXPORT),
    ".oif": ("Olympus FluoView (.oif)", _EXPORT),
    ".ims": ("Imaris (.ims)", _EXPORT),
    ".zvi": ("Zeiss AxioVision (.zvi)", _EXPORT),
    ".dcm": ("DICOM (.dcm)", _EXPORT),
}


def foreign_problem(path: Path) -> Problem | None:
    """Why a file of such a format is not read, by the ending of its name; None for every other file.

    A ``.vsi`` file is a TIFF file whose only picture is a preview: it must not come to the readers of TIFF.
    """
    known = _FORMATS.get(path.suffix.lower())
    if known is None:
        return None
    what, remedy = known
    return Problem("E-READ-003", f"a format that is not read: {what}.", f"{remedy}.", Place(file=path.name))
