"""Measures spora-build beside other writers on this machine, and says which targets hold.

    make bench                                        # everything: some twenty minutes, 10 GB of disk
    python -m tests.benchmarks multiplex rgb --rounds 5
    SPORA_IO=checkout SPORA_IO_PYTHON=python python -m tests.benchmarks stats tiling --long

Every command runs in a process of its own; CPU seconds and peak memory are those of all its processes. Commands that
are compared run in turn, and ratios are taken within a round, since other programs share the machine. The package is
compiled to bytecode before, as it is where pip installs it.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
import time
from pathlib import Path

import spora_build
from tests.benchmarks.sections import SECTIONS, Bench, judge, spora_io_here


def main() -> None:
    """Run the sections that were named, or all of them. Ends with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    parser.add_argument("--rounds", type=int, default=3, help="after one that is not counted")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "spora-build-bench")
    parser.add_argument("--long", action="store_true", help="also what takes minutes or tens of gigabytes of memory")
    options = parser.parse_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section is called {', '.join(sorted(unknown))}")
    options.folder.mkdir(parents=True, exist_ok=True)
    compileall.compile_dir(spora_build.__path__[0], quiet=1)
    bench = Bench(options.folder, options.rounds, options.long, *spora_io_here())
    good = True
    for name in options.sections or SECTIONS:
        began = time.perf_counter()
        text, findings = SECTIONS[name](bench)
        good &= judge(findings)
        lines = [f"## {name}: {SECTIONS[name].__doc__}", text, "", *map(str, findings)]
        print("\n".join(lines), f"\n({time.perf_counter() - began:.0f} s)\n", flush=True)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
