"""The commands as functions, and a finished dataset as an object: what ``import spora_build`` offers.

Every function does what the command of its name does and raises the errors that the command shows, each a
:class:`~spora_build.errors.SporaBuildError` whose ``problems`` say what, where and what to do. A stage that failed for
some tissues raises PartialError; what it finished stays. Work runs on several processes, so a script that calls these
functions does so below ``if __name__ == "__main__":``.
"""

from __future__ import annotations

from spora_build.api.bucket import fetch, publish
from spora_build.api.build import convert, doctor, init, inspect, plan
from spora_build.api.dataset import Dataset
from spora_build.api.look import bench_config, privacy_check, repair, validate, write_report
from spora_build.api.stages import cells, mask, segment, split, stats, tile
from spora_build.model.geometry import Window

__all__ = [
    "Dataset",
    "Window",
    "bench_config",
    "cells",
    "convert",
    "doctor",
    "fetch",
    "init",
    "inspect",
    "mask",
    "plan",
    "privacy_check",
    "publish",
    "repair",
    "segment",
    "split",
    "stats",
    "tile",
    "validate",
    "write_report",
]
