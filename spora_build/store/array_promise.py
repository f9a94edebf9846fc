"""What a ``.npy`` or ``.npz`` file promises to hold, read from its header before anything is allocated."""

from __future__ import annotations

import math
import os
import sys
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import IO

from numpy.lib import format as npy

_MASK = "mask.npy"
_HEADER_BYTES = 64 << 10
"""More than any header of a plain array; a hostile one may claim gigabytes."""


def promised_bytes(path: Path) -> int:
    """Bytes of the array in a file: of an ``.npz`` the one called ``mask``, or the only one.

    Raises ValueError, KeyError or OSError where there is no such array, or the file cannot hold what its header says.
    """
    try:
        if path.suffix.lower() == ".npy":
            with path.open("rb") as file:
                nbytes, start = _header(file)
            if path.stat().st_size - start < nbytes:
                raise ValueError("the file is shorter than its header says")
            return nbytes
        with zipfile.ZipFile(path) as archive:
            names = [member.filename for member in archive.infolist()]
            name = _MASK if _MASK in names or len(names) != 1 else names[0]
            member = archive.getinfo(name)
            with archive.open(member) as stream:
                nbytes, start = _header(stream)
            if member.file_size - start < nbytes:
                raise ValueError("the member is shorter than its header says")
            return nbytes
    except (EOFError, zipfile.BadZipFile, zlib.error, tokenize.TokenError, NotImplementedError, RuntimeError) as error:
        raise ValueError("no readable array") from error


def _header(stream: IO[bytes]) -> tuple[int, int]:
    """Bytes of the array, and where it starts."""
    from io import BytesIO

    head = BytesIO(stream.read(_HEADER_BYTES))
    read = npy.read_array_header_1_0 if npy.read_magic(head) == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(head)
    if dtype.hasobject or any(length < 0 for length in shape):
        raise ValueError("the array holds Python objects, which are never loaded")
    return math.prod(shape) * dtype.itemsize, head.tell()


def memory_budget() -> int:
    """Bytes that one array may take: half of the machine's memory, or of what this process may use."""
    total = sys.maxsize
    if hasattr(os, "sysconf"):
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        total = total if limit == resource.RLIM_INFINITY else min(total, limit)
    return total // 2
