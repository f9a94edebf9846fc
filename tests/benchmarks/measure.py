"""CPU time, wall time and peak memory of whole commands, everything they start included, run in turn."""

from __future__ import annotations

import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_SET_CHILD_SUBREAPER = 36
"""Of Linux's prctl: orphans come to us, so that the workers of a server process are counted too."""


@dataclass(frozen=True)
class Usage:
    """What one run took."""

    cpu_s: float
    """User and system time of all processes."""
    wall_s: float
    peak_mb: float
    """Largest resident set of any one process."""
    said: str = ""
    """What it wrote to its standard output."""


@dataclass(frozen=True)
class Command:
    """A command to measure."""

    name: str
    words: Sequence[str | Path]
    prepare: Callable[[], None] = lambda: None
    """Brings the disk into the state that the command starts from; not measured."""
    env: Mapping[str, str] | None = None


def run_once(command: Command) -> Usage:
    """Run and wait for every process of it. Raises RuntimeError where it fails."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command.prepare()
    os.sync()  # what the command before left to be written would be written during this one
    start = time.perf_counter()
    words = [str(word) for word in command.words]
    environment = {**os.environ, **(command.env or {})}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(words, stdout=out, stderr=err, env=environment)
        usage, code = _wait_for_all(process, start)
        for file in (out, err):
            file.seek(0)
        if code != 0:
            raise RuntimeError(f"{command.name} ended with {code}: {err.read().decode()[-2000:]}")
        return replace(usage, said=out.read().decode())


def _wait_for_all(process: subprocess.Popen[bytes], start: float) -> tuple[Usage, int]:
    cpu, peak, wall, code = 0.0, 0, 0.0, 0
    while True:
        try:
            pid, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss)
        if pid == process.pid:
            wall, code = time.perf_counter() - start, os.waitstatus_to_exitcode(status)
            process.returncode = code
    return Usage(cpu, wall, peak / 1024), code


def compare(commands: Sequence[Command], rounds: int) -> dict[str, list[Usage]]:
    """Run all commands in turn, so many times: pairs of one round saw the same machine. A round before is left out."""
    found: dict[str, list[Usage]] = {command.name: [] for command in commands}
    for round_ in range(rounds + 1):
        for command in commands:
            usage = run_once(command)
            if round_:
                found[command.name].append(usage)
    return found


def table(found: Mapping[str, Sequence[Usage]], against: str) -> str:
    """Medians, and medians of the ratios of each round to the command ``against``, as a Markdown table."""
    lines = [
        f"| | CPU s | ÷ {against} | wall s | ÷ {against} | peak MB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, runs in found.items():
        pairs = list(zip(runs, found[against], strict=True))
        cpu, wall, peak = (statistics.median(getattr(run, field) for run in runs) for field in _FIELDS)
        cpu_ratio = statistics.median(run.cpu_s / other.cpu_s for run, other in pairs)
        wall_ratio = statistics.median(run.wall_s / other.wall_s for run, other in pairs)
        lines.append(f"| {name} | {cpu:.2f} | {cpu_ratio:.2f} | {wall:.2f} | {wall_ratio:.2f} | {peak:.0f} |")
    return "\n".join(lines)


_FIELDS = ("cpu_s", "wall_s", "peak_mb")


def empty(folder: Path) -> Callable[[], None]:
    """Prepares by making a folder that holds nothing."""

    def prepare() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    return prepare
