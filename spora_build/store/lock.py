"""One build at a time: a lock with an owner and a heartbeat, for local disks and for network disks without locks.

The kernel's lock (flock) ends with its process, however that ends. Where the disk has none, or another machine shares
the disk without sharing its locks, the owner's heartbeat decides: it is watched for a while by our own clock, so that
clocks that jump or differ between machines decide nothing.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

BEAT_S = 5.0
"""Seconds between heartbeats."""
PATIENCE_S = 4 * BEAT_S
"""An owner on another machine that does not beat for so long is dead."""
_SETTLE_S = 0.2
_position = threading.Lock()
"""The heart and its owner share a file position."""
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@dataclass(frozen=True)
class Owner:
    """Who holds a lock."""

    host: str
    pid: int
    token: str
    beat: int = 0


class LockedError(Exception):
    """Somebody alive holds the lock."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__("locked")
        self.owner = owner


def owner_at(path: Path) -> Owner | None:
    """Who holds the lock file that lies at a path now; None where there is none."""
    try:
        return _parse(path.read_bytes())
    except OSError:
        return None


@contextmanager
def hold_lock(path: Path, *, beat_s: float = BEAT_S, patience_s: float = PATIENCE_S) -> Iterator[Owner]:
    """Hold the lock file; a dead owner's is taken over. Raises LockedError, and OSError where the disk refuses."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        kernel = _lock(descriptor)
        if kernel is False:
            raise LockedError(_read(descriptor))
        owner = _take(descriptor, kernel, patience_s)
        stop = threading.Event()
        heart = threading.Thread(target=_beat, args=(descriptor, owner, beat_s, stop), daemon=True)
        heart.start()
        try:
            yield owner
        finally:
            stop.set()
            heart.join()
            with suppress(OSError):  # a disk that has gone: the heart stands still, which says the same
                if _is_ours(descriptor, owner):
                    _write(descriptor, None)
    finally:
        os.close(descriptor)


def _take(descriptor: int, kernel: bool | None, patience_s: float) -> Owner:
    before = _read(descriptor)
    if before is not None and _may_live(before, kernel) and not _stands_still(descriptor, before, patience_s):
        raise LockedError(before)
    owner = Owner(socket.gethostname(), os.getpid(), uuid.uuid4().hex)
    _write(descriptor, owner)
    if kernel is None:  # two may have come here at once: the last to write has it
        time.sleep(_SETTLE_S)
        now = _read(descriptor)
        if now is None or now.token != owner.token:
            raise LockedError(now)
    return owner


def _may_live(owner: Owner, kernel: bool | None) -> bool:
    if owner.host != socket.gethostname():
        return True
    return kernel is None and _is_running(owner.pid)  # the kernel gave us its lock: on this machine it has ended


def _is_running(pid: int) -> bool:
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stands_still(descriptor: int, owner: Owner, patience_s: float) -> bool:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        time.sleep(min(0.5, patience_s / 4))
        if _read(descriptor) != owner:
            return False
    return True


def _beat(descriptor: int, owner: Owner, beat_s: float, stop: threading.Event) -> None:
    while not stop.wait(beat_s):
        owner = replace(owner, beat=owner.beat + 1)
        with suppress(OSError):  # the next beat may come through
            if not _is_ours(descriptor, owner):  # it stood still so long that another took over: theirs from now on
                return
            _write(descriptor, owner)


def _is_ours(descriptor: int, owner: Owner) -> bool:
    now = _read(descriptor)
    return now is None or now.token == owner.token


def _read(descriptor: int) -> Owner | None:
    with _position:
        os.lseek(descriptor, 0, os.SEEK_SET)
        data = os.read(descriptor, 4096)
    return _parse(data)


def _parse(data: bytes) -> Owner | None:
    try:
        return Owner(**json.loads(data))
    except (ValueError, TypeError):
        return None


def _write(descriptor: int, owner: Owner | None) -> None:
    data = b"" if owner is None else json.dumps(asdict(owner)).encode()
    with _position:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, data.ljust(256))
    os.fsync(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool | None:
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)  # a byte beyond the record: Windows locks forbid reading
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool | None:
        """True: ours; False: another's; None: this disk has no locks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return None
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK):
                return False
            raise
        return True
