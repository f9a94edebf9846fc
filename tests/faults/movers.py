"""A process that moves folders at chosen moments of builds, puts them back, and looks at what the next build makes.

    python tests/faults/movers.py RAW FOLDER SCENARIO KIND FIRST STEP COUNT    before the FIRST-th change of the disk, …

One JSON line per move. Kinds:
    dataset   moved away, and back when the build has ended
    moment    moved away, and back while the build is at work
    private   the private folder moved away, and back when the build has ended
    both      the dataset with its private folder moved, and built on there
    anew      both moved away, built at the old place by another build meanwhile; both end as they should
    raw       the raw folder moved away, and back when the build has ended
    killed    the build killed, both moved, the raw folder too, and built on there
    copied    the build killed, both copied with new times, and built on in the copy
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from spora_build.errors import ExitCode, SporaBuildError
from spora_build.workflows.dataset import hold
from tests.faults import nursery
from tests.faults.nursery import before_change, die, fresh, halves, in_child, wait_for
from tests.faults.tiny_cohort import NAME, digests

PRIVATE = f"{NAME}.private"


def build(raw: Path, out: Path) -> int:
    """Exit code of a whole build, as the command line gives it."""
    try:
        return nursery.build(raw, out)
    except SporaBuildError as error:
        return error.exit_code
    except OSError:
        return ExitCode.ENVIRONMENT


def build_in_child(raw: Path, out: Path) -> int:
    """Exit code of a build in a process of its own, which holds nothing yet."""

    def work() -> int:
        hold._held.clear()
        return build(raw, out)

    return wait_for(in_child(work))


def put_back(kept: Path, place: Path) -> None:
    """As somebody does who removes what is left at the place first."""
    if kept.exists():
        shutil.rmtree(place, ignore_errors=True)
        kept.rename(place)


class Move:
    """One move, and what comes of it."""

    def __init__(self, raw: Path, folder: Path) -> None:
        self.raw, self.out, self.away = raw, folder / "out", folder / "away"
        self.anew: int | None = None
        for path in (self.raw, self.out, self.away):
            shutil.rmtree(path, ignore_errors=True)

    def act(self, kind: str, at: int) -> None:
        """What happens in the middle."""
        if kind in ("dataset", "moment") and (self.out / NAME).exists():
            (self.out / NAME).rename(self.away)
            if kind == "moment":
                before_change(1 + at % 50, lambda: put_back(self.away, self.out / NAME))
        elif kind == "private" and (self.out / PRIVATE).exists():
            (self.out / PRIVATE).rename(self.away)
        elif kind in ("both", "anew"):
            self.out.rename(self.away)
            if kind == "anew":
                assert build_in_child(self.raw, self.out) == 0
        elif kind == "raw":
            self.raw.rename(self.away)
        elif kind in ("killed", "copied"):
            die()

    def after(self, kind: str) -> tuple[Path, Path]:
        """What somebody does when the build has ended; the raw folder and the output to go on with."""
        if kind in ("dataset", "moment"):
            put_back(self.away, self.out / NAME)
        elif kind == "private":
            put_back(self.away, self.out / PRIVATE)
        elif kind == "both" and self.away.exists():
            return self.raw, self.away
        elif kind == "anew" and self.away.exists():
            self.anew = build_in_child(self.raw, self.out)
            assert halves(self.out / NAME) == []
        elif kind == "raw":
            put_back(self.away, self.raw)
        elif kind == "killed":
            self.out.rename(self.away)
            self.raw = self.raw.rename(self.raw.with_name("raw moved"))
            return self.raw, self.away
        elif kind == "copied":
            shutil.copytree(self.out, self.away, copy_function=shutil.copy)
            for path in self.away.rglob("*"):
                os.utime(path)
            return self.raw, self.away
        return self.raw, self.out


def main() -> None:
    original, folder, scenario, kind, first, step, count = sys.argv[1:]
    wanted, untouched = digests(Path(folder) / "reference" / NAME), digests(Path(original))
    assert wanted and untouched
    for at in range(int(first), int(first) + int(step) * int(count), int(step)):
        shutil.rmtree(Path(folder) / "raw moved", ignore_errors=True)
        move = Move(Path(folder) / "raw", Path(folder))
        shutil.copytree(original, move.raw, copy_function=shutil.copy2)
        fresh(Path(folder) / "start", move.out, scenario)
        acted = Path(folder) / "acted"
        acted.unlink(missing_ok=True)

        def moved(move: Move = move, at: int = at, acted: Path = acted) -> int:
            before_change(at, lambda: (acted.touch(), move.act(kind, at)))
            return build(move.raw, move.out)

        code = wait_for(in_child(moved))
        raw, out = move.after(kind)
        half = halves(out / NAME)
        trees = {}
        if kind == "anew" and acted.exists():
            trees["anew"] = digests(move.out / NAME)
            put_back(move.away, move.out)
        resumed = build_in_child(raw, out)
        trees["resumed"] = digests(out / NAME)
        differs = sorted(
            name
            for tree in trees.values()
            for name in wanted.keys() | tree.keys()
            if wanted.get(name) != tree.get(name)
        )
        told = {"moment": at, "moved": acted.exists(), "code": code, "half": half, "resumed": resumed}
        told |= {"anew": move.anew, "differs": differs[:5], "raw": digests(raw) == untouched}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if not acted.exists():
            break  # the build has no more changes to move at


if __name__ == "__main__":
    main()
