"""Headers read by threads and by processes are those read one by one."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spora_build.errors import Problem
from spora_build.example.cohort import write_example
from spora_build.submission import ImageRow, Submission, read_submission
from spora_build.workflows.planning import read_headers
from spora_build.workflows.running.jobs import run_jobs


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    """The example, one of its images damaged."""
    write_example(tmp_path / "raw")
    submission = read_submission(tmp_path / "raw", {})
    (tmp_path / "raw" / submission.images[0].image).write_bytes(b"no image")
    return submission


def test_processes_find_what_one_finds(submission: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = replace(submission, images=submission.images * 3)
    expected = read_headers.read_headers(submission)
    assert any(isinstance(found, tuple) for found in expected)
    assert len(expected) == len(submission.images) > read_headers._FIRST
    handed: list[int] = []

    def run(work: Any, parts: Any, **options: Any) -> Any:
        handed.extend(len(part.rows) for part in parts)
        return run_jobs(work, parts, **options)

    monkeypatch.setattr(read_headers, "run_jobs", run)
    assert read_headers.read_headers(submission, 2) == expected
    assert not handed  # it is done before processes have started
    monkeypatch.setattr(read_headers, "_WORTH_S", 0)
    assert read_headers.read_headers(submission, 2) == expected
    assert sum(handed) == len(expected) - read_headers._FIRST


def test_threads_go_on_where_the_disk_is_waited_for(submission: Submission, monkeypatch: pytest.MonkeyPatch) -> None:
    by: list[str] = []

    def read(row: ImageRow, *_: object) -> Any:
        by.append(threading.current_thread().name)
        time.sleep(0.01)
        return (Problem("E-TEST-001", str(row.row), "none."),)

    rows = submission.images * 12
    monkeypatch.setattr(read_headers, "read_facts", read)
    found = read_headers.read_headers(replace(submission, images=rows))
    assert [of[0].what for of in found if isinstance(of, tuple)] == [str(row.row) for row in rows]
    assert set(by[:8]) == {"MainThread"}
    assert "MainThread" not in by[8:]
    assert len(set(by[8:])) > 1
