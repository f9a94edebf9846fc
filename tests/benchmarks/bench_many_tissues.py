"""How long ``validate`` and ``report`` take on a cohort of many tissues, in a process of their own.

    python tests/benchmarks/bench_many_tissues.py validate --tissues 2000
    python tests/benchmarks/bench_many_tissues.py report --tissues 200 --side 1000

``reading`` decodes once, with zarr-python, every pixel that the report decodes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import zarr

from tests.benchmarks.many_tissues import build_many
from tests.benchmarks.measure import Command, run_once

SPORA_BUILD = [sys.executable, "-c", "from spora_build.cli.app import main; main()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["validate", "report"])
    parser.add_argument("--tissues", type=int, default=2000)
    parser.add_argument("--channels", type=int, default=40)
    parser.add_argument("--side", type=int, default=260)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--models", type=int, default=4)
    parser.add_argument("--page", type=Path, help="where the report goes, to look at it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        size = {"channels": options.channels, "side": options.side, "models": options.models}
        root = build_many(Path(scratch), options.tissues, **size)
        page = options.page or Path(scratch) / "page.html"
        words = ["validate", root] if options.command == "validate" else ["report", root, "--out", page]
        words += [] if options.command == "validate" else ["--jobs", str(options.jobs)]
        for _ in range(2):
            used = run_once(Command(options.command, [*SPORA_BUILD, *words]))
            _say(f"{used.wall_s:.1f} s, {used.cpu_s:.1f} s of CPU, {used.peak_mb:.0f} MB of memory")
        if page.exists():
            start = time.process_time()
            for image in root.glob("*/*/images/*.ome.zarr"):
                zarr.open_array(image / "0", mode="r")[:]
            reading = time.process_time() - start
            beyond = (used.cpu_s - reading) / options.tissues
            _say(
                f"reading {reading:.1f} s of CPU; beyond it {beyond:.2f} s a tissue; {page.stat().st_size / 1e6:.1f} MB"
            )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
