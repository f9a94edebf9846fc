"""One part of spora-build's work in a process of its own; says as JSON what that part took.

    python -m tests.benchmarks.work images RAW OUT JOBS [MPP...]
    python -m tests.benchmarks.work stages RAW OUT JOBS [MPP...]
    python -m tests.benchmarks.work plan RAW OUT JOBS
    python -m tests.benchmarks.work tile MASK SIZE STRIDE

``images`` is the conversion of images: interpreter, sheets, plan, headers, ids, decoding, encoding and the tables. What
``convert`` does beyond it (masks, cells, tiles, statistics) is in ``stages``.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spora_build.workflows.running.process_start import start_process

start_process()  # as the command line does, before numpy is imported

from spora_build.model.report import Status  # noqa: E402
from spora_build.workflows import build as whole  # noqa: E402
from spora_build.workflows.convert import Conversion, ConvertRequest, prepare, write_images  # noqa: E402

took: dict[str, float] = {}
"""CPU seconds of this process by part."""
waited: dict[str, float] = {}
"""Seconds until each part was done, whichever processes did it."""


def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its time noted."""

    def run(*args: Any, **options: Any) -> Any:
        start, began = time.process_time(), time.perf_counter()
        try:
            return work(*args, **options)
        finally:
            took[name] = took.get(name, 0.0) + time.process_time() - start
            waited[name] = waited.get(name, 0.0) + time.perf_counter() - began

    return run


def _request(raw: str, out: str, jobs: str = "1", *mpps: str) -> ConvertRequest:
    overrides: dict[str, Any] = {"id_scheme": "random"}
    if mpps:
        overrides["mpp"] = [mpp if mpp == "native" else float(mpp) for mpp in mpps]
    return ConvertRequest(raw=Path(raw), out=Path(out), overrides=overrides, workers=int(jobs))


def _all_done(outcomes: Any) -> None:
    assert all(outcome.status is Status.DONE for outcome in outcomes), outcomes


def images(*words: str) -> None:
    """Convert the images, and nothing that follows from them."""
    request = _request(*words)
    _all_done(write_images(prepare(request), request))


def stages(*words: str) -> None:
    """Convert everything; CPU seconds by stage."""
    request = _request(*words)
    for name in ("write_images", "run_mask", "convert_cells", "run_tile", "run_stats"):
        setattr(whole, name, timed(name, getattr(whole, name)))
    conversion: Conversion = timed("prepare", prepare)(request)
    _all_done(whole.build(conversion, request))


def plan(*words: str) -> None:
    """Plan a cohort and write its tables, without any image."""
    from spora_build.workflows.dataset.hold import hold, make_dataset_folder
    from spora_build.workflows.dataset.write_tables import write_cohort_tables

    conversion: Conversion = timed("plan", prepare)(_request(*words))
    with hold(conversion.layout):
        make_dataset_folder(conversion.layout)
        timed("tables", write_cohort_tables)(conversion.layout, conversion.plan, {})


def tile(mask: str, size: str, stride: str) -> None:
    """Tile a mask with spora-io's own thresholds."""
    from spora_build.pixels.tile_settings import TilingSettings
    from spora_build.workflows.tiles.work import TileJob, tile_one

    settings = TilingSettings(int(size), stride_px=int(stride), tolerance=0.85, coverage_goal=1.0, min_gain_ratio=0.05)
    job = TileJob("tissue", 1.0, settings, Path(mask))
    tile_one(job)  # compiles the kernel where it never ran
    found = timed("tile", tile_one)(job)
    said["tiles"] = len(found.tiling.coordinates)
    said["hash"] = hashlib.sha256(found.tiling.coordinates.astype("<i8").tobytes()).hexdigest()


said: dict[str, Any] = {"took": took, "waited": waited}

if __name__ == "__main__":
    parts: dict[str, Callable[..., None]] = {"images": images, "stages": stages, "plan": plan, "tile": tile}
    parts[sys.argv[1]](*sys.argv[2:])
    said["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(said))
