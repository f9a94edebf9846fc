"""What the planes of a segmentation file mean, where the file says so: inForm's ``CompartmentType``."""

from __future__ import annotations

import re
from pathlib import Path

_COMPARTMENT = re.compile(r"<CompartmentType>\s*([^<]+?)\s*</CompartmentType>")
_CLASSES = "TissueClassMap"


def plane_names(path: Path) -> tuple[str, ...]:
    """Name of every page: ``Nucleus``, ``Cytoplasm``, ``Membrane``, or ``TissueClassMap``; empty where a page has none.

    inForm (``*_binary_seg_maps.tif``) writes them into the ImageDescription of each page.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) > 16:
                return ()
            texts = [page.aspage().description for page in file.pages]
    except (OSError, ValueError, tifffile.TiffFileError):
        return ()
    names = [_name(text) for text in texts]
    return tuple(name for name in names if name is not None) if all(names) else ()


def _name(description: str) -> str | None:
    found = _COMPARTMENT.search(description)
    if found:
        return found[1]
    return _CLASSES if f"<{_CLASSES}>" in description else None
