"""Headers read by processes are those read by threads."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.example.cohort import write_example
from spora_build.submission import read_submission
from spora_build.workflows.planning import read_headers


def test_processes_find_what_threads_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_example(tmp_path / "raw")
    submission = read_submission(tmp_path / "raw", {})
    (tmp_path / "raw" / submission.images[0].image).write_bytes(b"no image")
    expected = read_headers.read_headers(submission)
    assert any(isinstance(found, tuple) for found in expected)
    assert len(expected) == len(submission.images)
    monkeypatch.setattr(read_headers, "_MANY", 2)
    monkeypatch.setattr(read_headers, "_PART", 2)
    monkeypatch.setattr(read_headers, "default_workers", lambda: 2)
    assert read_headers.read_headers(submission) == expected
