"""Headers of all images of a sheet, several at once: by threads, and by processes too where there are many."""

from __future__ import annotations

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
"""Headers are read from disk more than they are parsed: a few at once hide the waiting."""
_MANY = 2000
"""Images from which parsing takes longer than starting processes."""
_PART = 500

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

    with ThreadPoolExecutor(HEADER_THREADS) as pool:
        return list(pool.map(read, part.rows))


def _killed(part: _Part, error: EnvironmentFaultError) -> list[Found]:
    raise error
