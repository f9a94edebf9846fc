"""The private folder: files that only their owner reads, written whole or not at all, one writer at a time."""

from __future__ import annotations

import os
import stat
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Place, PrivacyError, Problem

_POSIX = os.name == "posix"
_LOCK = ".lock"


def make_private_folder(folder: Path) -> None:
    """Create the folder with mode 0700, or see that it has it. Raises PrivacyError, EnvironmentFaultError."""
    try:
        folder.mkdir(parents=True, mode=0o700)
        created = True
    except FileExistsError:
        created = False
    except OSError as error:
        raise _cannot_write(folder) from error
    if created:
        folder.chmod(0o700)
        if _open_to_others(folder):
            raise EnvironmentFaultError(
                Problem(
                    "E-ID-010",
                    "this disk keeps no permissions, so others could read the key and the crosswalk.",
                    "build with --out on a disk that keeps permissions, or with --id-key-file from one.",
                    Place(file=folder.name),
                )
            )
    refuse_open_to_others(folder)


def refuse_open_to_others(path: Path) -> None:
    """Raise PrivacyError where the group or the world may enter this folder or read this file (POSIX only)."""
    if _open_to_others(path):
        mode = "700" if path.is_dir() else "600"
        raise PrivacyError(
            Problem(
                "E-ID-011",
                "others on this machine can read what must stay private.",
                f"run: chmod {mode} on it, and think about who may have read it already.",
                Place(file=path.name),
            )
        )


def close_to_others(folder: Path) -> None:
    """Give files below a private folder mode 0600 and folders 0700: workers write by the umask."""
    for path in folder.rglob("*"):
        with suppress(OSError):  # another build's unfinished file, gone by now
            if not path.is_symlink() and _open_to_others(path):
                path.chmod(0o700 if path.is_dir() else 0o600)


def write_private(path: Path, content: bytes) -> None:
    """Put a file of mode 0600 in place in one rename. Raises EnvironmentFaultError where the disk refuses."""
    temporary = _temporary(path)
    try:
        _write_new(temporary, content)
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def create_private(path: Path, content: bytes) -> bool:
    """Write a file of mode 0600 unless there is one already; False where another was first.

    Nobody ever sees the file half-written: it is linked in when whole, and the first link wins.
    """
    temporary = _temporary(path)
    try:
        _write_new(temporary, content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:  # a disk without hard links
            if path.exists():
                return False
            _write_new(path, content)
        _flush_folder(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise _cannot_write(path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


@contextmanager
def private_lock(folder: Path, *, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the private folder alone: the second build waits, then stops with an explanation.

    The lock belongs to the process and ends with it, however it ends: there are no stale locks.
    Raises EnvironmentFaultError after ``wait_s`` seconds.
    """
    make_private_folder(folder)
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _cannot_write(folder) from error
    try:
        end = time.monotonic() + wait_s
        while not _try_lock(descriptor):
            if time.monotonic() >= end:
                raise EnvironmentFaultError(
                    Problem(
                        "E-ID-012",
                        "another build is using this dataset's crosswalk right now.",
                        "wait until it has ended and run the command again.",
                        Place(file=folder.name),
                    )
                )
            time.sleep(min(0.1, wait_s))
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _open_to_others(path: Path) -> bool:
    return _POSIX and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.building")


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if _POSIX:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cannot_write(path: Path) -> EnvironmentFaultError:
    return EnvironmentFaultError(
        Problem(
            "E-ID-013",
            "the private folder cannot be written.",
            "see that the disk has space and that the folder is yours.",
            Place(file=path.name),
        )
    )
