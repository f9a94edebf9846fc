"""Headers of all images of a sheet: by processes where there are many, by threads too where the disk is waited for."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.model.modality import Modality
from spora_build.submission import ImageRow, PanelSheet, Submission
from spora_build.workflows.planning.images import ImageFacts, read_facts
from spora_build.workflows.running.executors import current_resources
from spora_build.workflows.running.jobs import run_jobs

TISSUES_FILE = "tissues.csv"
HEADER_THREADS = 8
"""Headers that are waited for at once."""
_LOOK = 8
"""Headers after which the waiting is looked at again."""
_MOSTLY_WAITING = 5.0
"""Elapsed time over CPU time. Threads that parse in turn take twice the CPU time of one that does all: not for less."""
_FIRST = 3 * _LOOK
"""Headers that are read here, to see how long the others will take."""
_WORTH_S = 0.8
"""CPU seconds of parsing from which it pays to start processes."""
_PART = 250
"""Most images handed to a process at once: enough to see whether the disk is waited for."""

Found = ImageFacts | tuple[Problem, ...]


@dataclass(frozen=True)
class _Part:
    rows: tuple[ImageRow, ...] = field(repr=False)
    panels: Mapping[Modality, PanelSheet] = field(repr=False)
    mpps: Mapping[str, float] = field(repr=False)
    """Pixel sizes that override the files', by modality."""


def read_headers(submission: Submission, workers: int = 1) -> list[Found]:
    """Facts of each image in the sheet's order, or the errors that make it unreadable."""
    make = partial(_Part, panels=dict(submission.panels), mpps=dict(submission.settings.mpp_override))
    rows = tuple(submission.images)
    if workers == 1 or current_resources().cluster is not None or len(rows) <= _FIRST:
        return _read_part(make(rows))
    found = _read_part(make(rows[:_LOOK]))  # which imports what reads them
    busy = time.process_time()
    found += _read_part(make(rows[_LOOK:_FIRST]))
    each = (time.process_time() - busy) / (_FIRST - _LOOK)
    rows = rows[_FIRST:]
    if each * len(rows) < _WORTH_S:
        return found + _read_part(make(rows))
    size = min(_PART, math.ceil(len(rows) / (4 * workers)))
    parts = [make(rows[start : start + size]) for start in range(0, len(rows), size)]
    return found + list(chain.from_iterable(run_jobs(_read_part, parts, workers=workers, on_killed=_killed)))


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
