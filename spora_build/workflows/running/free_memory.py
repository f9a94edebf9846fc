"""Give freed memory back to the system between two pieces of work."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of glibc's malloc.h."""
_LARGEST_POOLED = 32 << 20
"""No array is larger that glibc takes from a pool."""


def share_one_pool() -> None:
    """Let all threads to come allocate from one pool of glibc's, which is the only one that it gives back wholly.

    For the start of a process. Windows of pixels are large and few, so that threads hardly ever meet there. What is
    freed stays in the pool, up to 64 MB, until :func:`free_memory`: the system zeroes each page that it gives anew, and
    a window is read every few milliseconds.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, 1)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_POOLED)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_POOLED)


def free_memory() -> None:
    """Return what the C library keeps of freed arrays; nothing where it is not glibc.

    It keeps arrays of up to 32 MB for the next ones of their size. The next stage asks for other sizes, so that without
    this its memory comes on top.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
