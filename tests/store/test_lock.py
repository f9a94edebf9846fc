"""One owner at a time, and a dead one's lock is taken over, with the kernel's locks and without."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spora_build.store import lock
from spora_build.store.lock import LockedError, hold_lock

HOLDER = """
import sys, time
from pathlib import Path
from spora_build.store.lock import hold_lock
with hold_lock(Path(sys.argv[1])) as owner:
    print(owner.pid, flush=True)
    time.sleep(60)
"""


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with hold_lock(tmp_path / "lock") as owner, pytest.raises(LockedError) as caught, hold_lock(tmp_path / "lock"):
        pass
    assert caught.value.owner is not None
    assert (caught.value.owner.pid, caught.value.owner.token) == (os.getpid(), owner.token)
    with hold_lock(tmp_path / "lock"):
        pass


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_killed_owner_s_lock_is_free_at_once(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert int(holder.stdout.readline()) == holder.pid
    with pytest.raises(LockedError), hold_lock(tmp_path / "lock"):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    began = time.monotonic()
    with hold_lock(tmp_path / "lock"):
        assert time.monotonic() - began < 2


def written(path: Path, **changes: object) -> None:
    """A lock as an owner left it."""
    owner = {"host": lock.socket.gethostname(), "pid": os.getpid(), "token": "t", "beat": 3, **changes}
    path.write_text(json.dumps(owner).ljust(256))


def test_without_kernel_locks_a_living_process_keeps_it_while_its_heart_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_lock", lambda descriptor: None)
    first, second = hold_lock(tmp_path / "lock", beat_s=0.05), hold_lock(tmp_path / "lock", patience_s=1)
    with first, pytest.raises(LockedError), second:
        pass


@pytest.mark.parametrize("changes", [{"pid": 2**22 + 1}, {"host": "elsewhere"}])
@pytest.mark.parametrize("kernel", [None, True])
def test_a_dead_owner_s_lock_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], kernel: bool | None
) -> None:
    monkeypatch.setattr(lock, "_lock", lambda descriptor: kernel)
    written(tmp_path / "lock", **changes)
    with hold_lock(tmp_path / "lock", patience_s=0.3):
        assert json.loads((tmp_path / "lock").read_text())["pid"] == os.getpid()


def test_a_beating_heart_on_another_machine_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the kernel of this machine, which does not know of the other's locks, would give it."""
    path = tmp_path / "lock"
    written(path, host="elsewhere")
    beats = iter(range(100, 200))
    slept = time.sleep

    def sleep(seconds: float) -> None:
        written(path, host="elsewhere", beat=next(beats))
        slept(seconds)

    monkeypatch.setattr(lock.time, "sleep", sleep)
    with pytest.raises(LockedError), hold_lock(path, patience_s=2):
        pass


def test_clocks_decide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "lock", host="elsewhere")
    os.utime(tmp_path / "lock", (2**33, 2**33))
    with hold_lock(tmp_path / "lock", patience_s=0.3):
        pass


def test_of_two_that_take_a_lock_at_once_without_the_kernel_one_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_lock", lambda descriptor: None)
    path = tmp_path / "lock"
    slept = time.sleep

    def sleep(seconds: float) -> None:
        written(path, host="elsewhere")  # the other writes last
        slept(seconds)

    monkeypatch.setattr(lock.time, "sleep", sleep)
    with pytest.raises(LockedError), hold_lock(path):
        pass


def test_a_disk_that_refuses_is_an_error_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(lock, "_write", refuse)
    with pytest.raises(OSError), hold_lock(tmp_path / "lock"):
        pass


def test_an_owner_that_stood_still_leaves_the_lock_to_who_took_it_over(tmp_path: Path) -> None:
    """A machine that slept, or a stopped process: its heart must not write over the other's."""
    path = tmp_path / "lock"
    with hold_lock(path, beat_s=0.05):
        time.sleep(0.2)
        written(path, host="elsewhere", token="other")
        time.sleep(0.3)
        assert json.loads(path.read_text())["token"] == "other"
    assert json.loads(path.read_text())["token"] == "other"
