"""Absent or complete: build beside the place, flush to disk, rename in when whole.

    from spora_build.store.atomic import write_beside
    with write_beside(path) as temporary:
        temporary.write_bytes(content)

What a crash leaves, :mod:`spora_build.store.sweep` takes away or puts back.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_SUFFIX = ".building"
"""Every unfinished file or folder ends in this; nothing else does."""
PRIVATE_SUFFIX = ".private"
"""Of the folder beside a dataset that must never be shared."""
REPLACED_SUFFIX = f".old{TEMPORARY_SUFFIX}"
"""What stood at a place while its successor is renamed in."""


@contextmanager
def write_beside(path: Path, *, folder: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well it takes the place of ``path`` in one rename.

    A folder that stood there is renamed away first and then deleted; a file of the same bytes stays as it is, with its
    time. When the block raises, nothing has changed. With ``folder`` the temporary path is a folder that is there.
    """
    temporary = temporary_beside(path)
    try:
        if folder:
            temporary.mkdir()
        yield temporary
        if not folder and _is_same(temporary, path):
            remove(temporary)
            return
        put_in_place(temporary, path)
    except BaseException:
        remove(temporary)
        raise


def home_name(temporary: str) -> str:
    """Name of the place beside which a temporary file or folder was made: ``.a.npz.0123456789ab.building`` → a.npz."""
    return temporary.removesuffix(TEMPORARY_SUFFIX).removeprefix(".").rpartition(".")[0]


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder and those above it, but for a dataset's own, its private one, and unfinished ones.

    Raises FileNotFoundError where one of these is missing: it was moved away. A new one would be lost when the old one
    is put back, or be half of what is renamed in.
    """
    missing = []
    while not folder.is_dir():
        if folder == folder.parent:
            raise FileNotFoundError(errno.ENOENT, "its disk is gone", str(folder))
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        made_before = each.name.endswith((PRIVATE_SUFFIX, TEMPORARY_SUFFIX))
        if made_before or each.with_name(f"{each.name}{PRIVATE_SUFFIX}").is_dir():
            raise FileNotFoundError(errno.ENOENT, "moved away", str(each))
        each.mkdir(mode=mode, exist_ok=True)


def temporary_beside(path: Path) -> Path:
    """A new name beside ``path``, whose folder is made; nothing stands there yet."""
    make_folder(path.parent)
    return path.with_name(f".{path.name}.{_token()}{TEMPORARY_SUFFIX}")


def put_in_place(temporary: Path, path: Path) -> None:
    """Flush a finished file or folder to disk and let it take the place of ``path`` in one rename."""
    _flush(temporary)
    replaced = None
    if path.is_dir() and not path.is_symlink():
        replaced = path.with_name(f".{path.name}.{_token()}{REPLACED_SUFFIX}")
        path.rename(replaced)
    try:
        temporary.replace(path)
        if not path.exists():  # a network disk that says yes and does not do it
            raise OSError(errno.EIO, "renamed, and not there")
    except BaseException:
        if replaced is not None:
            replaced.rename(path)
        raise
    _flush_folder(path.parent)
    if replaced is not None:
        remove(replaced)


def _token() -> str:
    return uuid.uuid4().hex[:12]


def _is_same(temporary: Path, path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and filecmp.cmp(temporary, path, shallow=False)


def remove(path: Path) -> None:
    """Delete a file or folder, no matter whether it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    if path.is_dir():
        for folder, _, files in os.walk(path):
            for name in files:
                flush_file(Path(folder) / name)
            _flush_folder(Path(folder))
    else:
        flush_file(path)


def flush_file(path: Path) -> None:
    """Wait until a file's content is on the disk. Raises OSError where it cannot get there."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    if os.name == "posix":  # Windows cannot open folders
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
