"""TIFF headers, opened so that a damaged or hostile file ends in one typed error."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from spora_build.errors import Place, Problem, SporaBuildError, UnreadableFileError
from spora_build.readers._file_bytes import damaged

MAX_PAGES = 100_000
_MAGIC = {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}


@dataclass(frozen=True)
class FirstPage:
    """What the first page of a TIFF file says: enough to tell whose file it is."""

    description: str
    software: str
    tags: frozenset[int]
    is_tiled: bool
    shape: tuple[int, ...]


def is_tiff(path: Path) -> bool:
    """Whether the file starts like a TIFF or BigTIFF file of either byte order."""
    try:
        with path.open("rb") as file:
            return file.read(4) in _MAGIC
    except OSError:
        return False


def first_page(path: Path) -> FirstPage | None:
    """The first page's header; None where the path is no TIFF file that can be parsed. Never raises."""
    state = _state(path)
    return None if state is None else _first_page(state)


@dataclass(frozen=True)
class _FileState:
    """A file as it is now: what was parsed of it holds as long as this stays."""

    path: Path
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


def _state(path: Path) -> _FileState | None:
    """None where there is no regular file."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _FileState(path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(maxsize=64)
def _first_page(state: _FileState) -> FirstPage | None:
    if not is_tiff(state.path):
        return None
    try:
        with open_tiff(state.path) as tiff:
            page = tiff.pages[0]
            software = page.tags.valueof(305)
            found = FirstPage(
                description=page.description or "",
                software=software if isinstance(software, str) else "",
                tags=frozenset(tag.code for tag in page.tags),
                is_tiled=bool(page.is_tiled),
                shape=tuple(page.shape),
            )
    except SporaBuildError:
        return None
    _looked_at.latest = (state, tiff)
    return found


@contextmanager
def open_tiff(path: Path) -> Iterator[Any]:
    """Yield the file as ``tifffile.TiffFile``. Whatever goes wrong with the header inside is an UnreadableFileError."""
    try:
        with _parsed(path) as tiff:
            yield tiff
    except (SporaBuildError, MemoryError):
        raise
    except Exception as error:  # a header can be wrong in as many ways as a parser has lines
        raise damaged(path.name, f"its TIFF header makes no sense ({type(error).__name__})") from error


@dataclass(frozen=True)
class _Source:
    """What tifffile opens by itself, and once more after it closed it."""

    path: Path

    def open(self) -> IO[bytes]:
        return self.path.open("rb")


class _LookedAt(threading.local):
    """The file whose first page this thread looked at last: most often the one that is opened next."""

    latest: tuple[_FileState, Any] | None = None
    """Its state, and the closed ``tifffile.TiffFile``, which keeps the page."""


_looked_at = _LookedAt()


def _parsed(path: Path) -> Any:
    """The open ``tifffile.TiffFile``: that of the look at its first page, so that no page is parsed twice."""
    import tifffile

    latest, _looked_at.latest = _looked_at.latest, None
    if latest is not None and latest[0] == _state(path):
        latest[1].filehandle.open()
        return latest[1]
    source: Any = _Source(path)  # whatever has `open` will do, which the types of tifffile leave out
    try:
        return tifffile.TiffFile(source, name=path.name)
    except MemoryError as error:  # lengths in the header are read before anything could check them
        raise damaged(path.name, "its TIFF header asks for more memory than there is") from error


def pages_of(tiff: Any, name: str) -> list[Any]:
    """Every page of the main chain as a ``tifffile.TiffPage`` of its own, never assumed to be like the first."""
    tiff.pages.useframes = False
    count = len(tiff.pages)
    if count > MAX_PAGES:
        raise damaged(name, f"it has {count} pages")
    return [tiff.pages[index] for index in range(count)]


def unsupported(
    name: str, what: str, remedy: str = "export it as OME-TIFF with tiles and zlib."
) -> UnreadableFileError:
    """The error for a file that is whole, but stores pixels in a way that is not read."""
    return UnreadableFileError(Problem("E-TIFF-002", f"{what}.", remedy, Place(file=name)))


def no_tiff(path: Path) -> UnreadableFileError:
    """The error for a file given to a TIFF reader that is no TIFF file."""
    return unsupported(path.name, "the file is no TIFF file", "see what it is with `spora-build inspect`.")
