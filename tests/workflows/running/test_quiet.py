"""Libraries that want to speak, in a process of the command line and in its workers."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

CHATTER = """
import gc, logging, sys, threading, warnings
logging.basicConfig()
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.quiet import keep_quiet

class Unclosed:
    def __del__(self):
        raise ValueError("CANARY in a finaliser")

def chatter(number):
    logging.getLogger("tifffile").error("<TiffPage> CANARY in a tag")
    logging.getLogger("tifffile").warning("broken %d %d", "CANARY")
    warnings.warn("CANARY in a warning", stacklevel=1)
    warnings.warn("CANARY of an old function", DeprecationWarning, stacklevel=1)
    thread = threading.Thread(target=lambda: int("CANARY"))
    thread.start()
    thread.join()
    Unclosed()
    gc.collect()
    return number

if __name__ == "__main__":
    if "loud" not in sys.argv:
        keep_quiet()
    chatter(0)
    if "workers" in sys.argv:
        print(run_jobs(chatter, [1, 2, 3], workers=2, on_killed=None))
"""


def said(*arguments: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "chatter.py"
    script.write_text(CHATTER)
    return subprocess.run(
        [sys.executable, "-W", "always", script, *arguments], capture_output=True, text=True, check=True
    )


def test_nothing_that_a_library_says_is_heard(tmp_path: Path) -> None:
    quiet = said("workers", tmp_path=tmp_path)
    assert "CANARY" not in quiet.stdout + quiet.stderr
    assert "[1, 2, 3]" in quiet.stdout
    assert "ValueError" in quiet.stderr  # that something happened is told, not what it said


def test_the_chatter_is_there_otherwise(tmp_path: Path) -> None:
    loud = said("loud", tmp_path=tmp_path).stderr
    assert all(f"CANARY {where}" in loud for where in ("in a tag", "in a warning", "of an old", "in a finaliser"))


UNBORN = """
from spora_build.workflows.running.processes import _context

class Gone:
    def __reduce__(self):
        return open, ("/nowhere/CANARY",)

if __name__ == "__main__":
    process = _context().Process(target=print, args=(Gone(),))
    process.start()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="workers are started anew")
def test_a_worker_that_cannot_begin_is_told_by_the_kind_of_its_error(tmp_path: Path) -> None:
    script = tmp_path / "unborn.py"
    script.write_text(UNBORN)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert done.stderr == "spora-build: an error outside of any task: FileNotFoundError\n"
