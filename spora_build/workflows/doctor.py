"""Is this machine able to build datasets?"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from spora_build.workflows.running.jobs import default_workers

PACKAGES = (
    "numpy",
    "zarr",
    "tifffile",
    "imagecodecs",
    "pandas",
    "pyarrow",
    "scikit-image",
    "numba",
    "ome-zarr",
    "readimc",
)
CODECS = ("deflate", "lzw", "jpeg8", "jpeg2k", "webp", "zstd", "blosc")
LITTLE_MEMORY = 2e9
LITTLE_DISK = 5e9


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``good`` is None where it is not needed."""

    what: str
    found: str
    good: bool | None


def examine() -> list[Finding]:
    """Look at Python, packages, codecs, cores, memory, disk and rclone."""
    return [
        Finding("Python", f"{platform.python_version()} on {platform.system()}", sys.version_info >= (3, 11)),
        *(_package(name) for name in PACKAGES),
        _codecs(),
        Finding("cores", str(default_workers()), True),
        _memory(),
        _disk("free space here", Path()),
        _disk("free space for temporary files", Path(tempfile.gettempdir())),
        _rclone(),
    ]


def _package(name: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name), True)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, f"not installed: pip install {name}", False)


def _codecs() -> Finding:
    imagecodecs = importlib.import_module("imagecodecs")
    missing = [name for name in CODECS if not getattr(getattr(imagecodecs, name.upper(), None), "available", False)]
    return Finding("codecs", f"missing: {', '.join(missing)}" if missing else ", ".join(CODECS), not missing)


def _memory() -> Finding:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Finding("memory", "unknown on this system", None)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Finding("memory", f"{total / 1e9:.1f} GB", total >= LITTLE_MEMORY)


def _disk(what: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    return Finding(what, f"{free / 1e9:.1f} GB", free >= LITTLE_DISK)


def _rclone() -> Finding:
    found = shutil.which("rclone")
    return Finding("rclone", "found" if found else "not found: only publish and fetch need it", True if found else None)
