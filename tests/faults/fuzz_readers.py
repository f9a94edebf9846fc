"""A process that opens damaged copies of every reader's sample, within a fixed memory, and tells what came of each.

    python tests/faults/fuzz_readers.py FOLDER SEED COUNT

Before each attempt it writes the attempt's number to FOLDER/at, so that whoever watches knows what killed or hung it.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from spora_build.errors import SporaBuildError
from spora_build.model.geometry import Window
from spora_build.readers import open_rois, readers
from spora_build.workflows.running.quiet import keep_quiet
from tests.readers.sample_makers import SAMPLES

MEMORY_BYTES = 3 << 30
"""Of address space: libraries and thread stacks take most of the first two."""
HEAD_BYTES = 4096
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with a few bytes of its head, its tail or anywhere changed, or cut, or repeated."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        where = rng.random()
        span = min(len(data), HEAD_BYTES)
        if not span:
            break
        at = int(rng.integers(span)) if where < 0.5 else len(data) - 1 - int(rng.integers(span))
        at = int(rng.integers(len(data))) if where > 0.9 else at
        kind = rng.integers(5)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[at] = INTERESTING[int(rng.integers(len(INTERESTING)))]
        elif kind == 2:
            width = int(rng.choice([2, 4, 8]))
            data[at : at + width] = int(rng.integers(2**63)).to_bytes(8, "little")[:width]
        elif kind == 3:
            data[at : at + 4] = b"\xff" * 4
        elif rng.random() < 0.2:
            del data[at:]
        else:
            data[at : at + 8] = data[max(0, at - 64) : max(0, at - 64) + 8]
    return bytes(data)


def attempt(path: Path) -> str:
    """What became of opening a file and reading from its first image: ``read``, or the code that refused it."""
    try:
        with open_rois(path) as rois:
            for roi in rois[:2]:
                size = roi.size
                roi.read([0], Window(0, 0, min(64, size.height), min(64, size.width)))
                roi.read([roi.channel_count - 1], Window(size.height - 1, size.width - 1, 1, 1))
        return "read"
    except SporaBuildError as error:
        return error.problems[0].code


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    keep_quiet()
    originals = {}
    for name, make in SAMPLES.items():
        (folder / "samples" / name).mkdir(parents=True, exist_ok=True)
        originals[name] = make(folder / "samples" / name).path
    assert {reader.__name__.rpartition(".")[2] for reader in readers()} == set(originals)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    names = sorted(originals)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        name = names[number % len(names)]
        (folder / "at").write_text(f"{number} {name}")
        copy = folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder / "samples" / name, copy)
        target = copy / originals[name].relative_to(folder / "samples" / name)
        files = sorted(path for path in copy.rglob("*") if path.is_file())
        victim = files[int(rng.integers(len(files)))] if target.is_dir() or rng.random() < 0.1 else target
        victim.write_bytes(damaged(victim.read_bytes(), rng))
        began = time.monotonic()
        try:
            end = attempt(target)
        except BaseException as error:  # noqa: BLE001  any other exception is what is looked for
            end = f"traceback {type(error).__name__}: {error}"[:300]
        seconds = round(time.monotonic() - began, 3)
        sys.stdout.write(json.dumps({"number": number, "reader": name, "end": end, "seconds": seconds}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
