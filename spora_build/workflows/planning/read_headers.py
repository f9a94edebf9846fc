"""Headers of all images of a sheet: by processes where there are many, by threads too where the disk is waited for."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.model.modality import Modality
from spora_build.submission import ImageRow, PanelSheet, Submission
from spora_build.workflows.planning.images import ImageFacts, read_facts
from spora_build.workflows.running.executors import current_resources
from spora_build.workflows.running.jobs import default_workers, run_jobs

TISSUES_FILE = "tissues.csv"
HEADER_THREADS = 8
"""Headers that are waited for at once."""
_LOOK = 8
"""Headers after which the waiting is looked at again."""
_MOSTLY_WAITING = 5.0
"""Elapsed time over CPU time. Threads that parse in turn take twice the CPU time of one that does all: not for less."""
_MANY = 2000
"""Images from which parsing takes longer than starting processes."""
_PART = 250
"""Images handed to a process at once: enough to see whether the disk is waited for, few enough to share evenly."""

Found = ImageFacts | tuple[Problem, ...]


@dataclass(frozen=True)
class _Part:
    rows: tuple[ImageRow, ...] = field(repr=False)
    panels: Mapping[Modality, PanelSheet] = field(repr=False)
    mpps: Mapping[str, float] = field(repr=False)
    """Pixel sizes that override the files', by modality."""


def read_headers(submission: Submission) -> list[Found]:
    """Facts of each image in the sheet's order, or the errors that make it unreadable."""
    rows = tuple(submission.images)
    workers = default_workers() if current_resources().cluster is None and len(rows) >= _MANY else 1
    size = _PART if workers > 1 else max(1, len(rows))
    make = partial(_Part, panels=dict(submission.panels), mpps=dict(submission.settings.mpp_override))
    parts = [make(rows[start : start + size]) for start in range(0, len(rows), size)]
    if workers == 1:
        return [found for part in parts for found in _read_part(part)]
    return [found for part in run_jobs(_read_part, parts, workers=workers, on_killed=_killed) for found in part]


def _read_part(part: _Part) -> list[Found]:
    def read(row: ImageRow) -> Found:
        return read_facts(row, part.panels.get(row.modality), part.mpps.get(row.modality.name), TISSUES_FILE)

    found: list[Found] = []
    began, busy = time.perf_counter(), time.thread_time()
    for start in range(0, len(part.rows), _LOOK):
        found += map(read, part.rows[start : start + _LOOK])
        if time.perf_counter() - began > _MOSTLY_WAITING * (time.thread_time() - busy):
            with ThreadPoolExecutor(HEADER_THREADS) as pool:
                found += pool.map(read, part.rows[start + _LOOK :])
            break
    return found


def _killed(part: _Part, error: EnvironmentFaultError) -> list[Found]:
    raise error
