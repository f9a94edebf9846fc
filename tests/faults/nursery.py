"""A process that builds again and again in children that die at chosen moments, and looks at what they leave.

    python tests/faults/nursery.py RAW FOLDER SCENARIO FIRST STEP COUNT    die before the FIRST-th change of the disk, …
    python tests/faults/nursery.py RAW FOLDER SCENARIO random SEED COUNT   two workers, killed with them at any time

One JSON line per death. Children are forked from a process that has everything imported and has started no thread, so
that a build takes a fraction of a second.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import pandas as pd

import spora_build.workflows.running.preload
from spora_build.store import shard
from spora_build.store.layout import Layout
from spora_build.store.seal import seal_image, seal_mask
from spora_build.workflows import build as build_module
from spora_build.workflows.convert import ConvertRequest, prepare
from tests.faults.tiny_cohort import NAME, digests

assert spora_build.workflows.running.preload
CHANGES = ("rename", "replace", "mkdir", "unlink", "rmdir", "fsync", "link")
TIMEOUT_S = 300


def build(raw: Path, out: Path, workers: int = 1) -> int:
    """Exit code of a whole build."""
    request = ConvertRequest(raw=raw, out=out, workers=workers)
    outcomes = build_module.build(prepare(request), request)
    return 3 if any(outcome.status == "failed" for outcome in outcomes) else 0


def in_child(work: Callable[[], int]) -> int:
    """Status of a child that does the work in a session of its own."""
    child = os.fork()
    if child == 0:
        os.setsid()
        code = 70
        try:
            code = work()
        except BaseException as error:  # noqa: BLE001  told on stderr, and by the exit code
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        finally:
            os._exit(code)
    return child


def wait_for(child: int) -> int:
    """Exit code of a child, negative for a signal. Raises TimeoutError where it hangs."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    raise TimeoutError("a build hangs")


def kill_after(child: int, out: Path, lines: int, more_s: float) -> int:
    """Kill a child and all that it started a moment after the ledger has grown by so many lines; how it ended."""
    lines += _lines(out)
    while _lines(out) < lines and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.005)
    time.sleep(more_s)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return wait_for(child)


def _lines(out: Path) -> int:
    ledger = out / f"{NAME}.private" / "ledger.jsonl"
    return len(ledger.read_bytes().splitlines()) if ledger.exists() else 0


def die() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def before_change(number: int, act: Callable[[], object]) -> None:
    """Act before this process's ``number``-th change of the disk from now; a shard's bytes come in halves."""
    left = number

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    def counted(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*args: object, **kwargs: object) -> object:
            count()
            return change(*args, **kwargs)

        return changed

    for name in CHANGES:
        setattr(os, name, counted(getattr(os, name)))
    whole = shard._write_all

    def torn(file: object, data: memoryview) -> None:
        half = data.nbytes // 2
        whole(file, data.cast("B")[:half])  # type: ignore[arg-type]
        count()
        whole(file, data.cast("B")[half:])  # type: ignore[arg-type]

    shard._write_all = torn


def halves(root: Path) -> list[str]:
    """Published tissues that lack something."""
    table = root / "metadata" / "tissues.parquet"
    if not table.exists():
        return []
    layout, found = Layout(root), []
    of_table = pd.read_parquet(table)
    for tissue, of in of_table.groupby("tissue_id"):
        images = [m for m in layout.find_modalities() if m.name in set(of["modality"])]
        for mpp in (0.5, 1.0):
            if any(seal_image(layout.image(m, mpp, str(tissue))) is None for m in images):
                found.append(f"{tissue} image {mpp}")
            if len(images) != len(of):
                found.append(f"{tissue} modality")
            for path in (layout.tissue_mask(mpp, str(tissue)), layout.cell_mask(mpp, str(tissue))):
                if seal_mask(path) is None:
                    found.append(f"{tissue} {path.parent.name} {mpp}")
        for size in (128, 224):
            if str(tissue) not in set(pd.read_parquet(layout.tile_stats(1.0, "default", size)).index):
                found.append(f"{tissue} tiles {size}")
        if str(tissue) not in set(pd.read_parquet(layout.cells_table)["tissue_id"]):
            found.append(f"{tissue} cells")
    return found


def main() -> None:
    raw, folder, scenario, first, step, count = sys.argv[1:]
    reference, start = Path(folder) / "reference", Path(folder) / "start"
    wanted = digests(reference / NAME)
    untouched = digests(Path(raw))
    assert wanted and untouched
    chance = random.Random(int(step))
    out = Path(folder) / "out"
    workers = 2 if first == "random" else 1
    lines = _lines_of_a_build(Path(raw), start, out, scenario) if first == "random" else 0
    for number in range(int(count)):
        fresh(start, out, scenario)
        if first == "random":
            moment = chance.randrange(lines)
            child = in_child(lambda: build(Path(raw), out, workers))
            died = kill_after(child, out, moment, chance.uniform(0, 0.2))
        else:
            moment = int(first) + number * int(step)

            def doomed(at: int = int(moment)) -> int:
                before_change(at, die)
                return build(Path(raw), out)

            died = wait_for(in_child(doomed))
        half = halves(out / NAME)
        code = wait_for(in_child(lambda: build(Path(raw), out, workers)))
        found = digests(out / NAME)
        differs = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        told = {"moment": moment, "died": died, "half": half, "code": code, "differs": differs[:5]}
        told["raw"] = digests(Path(raw)) == untouched
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if first != "random" and died == 0:
            break  # the build has no more changes to die at


def _lines_of_a_build(raw: Path, start: Path, out: Path, scenario: str) -> int:
    """Lines that the ledger grows by in a build that lives."""
    fresh(start, out, scenario)
    before = _lines(out)
    assert wait_for(in_child(lambda: build(raw, out))) == 0
    return _lines(out) - before


def fresh(start: Path, out: Path, scenario: str) -> None:
    """What a scenario begins with."""
    shutil.rmtree(out, ignore_errors=True)
    if scenario == "refresh":
        shutil.copytree(start, out, copy_function=shutil.copy2)
    else:
        out.mkdir()


if __name__ == "__main__":
    main()
