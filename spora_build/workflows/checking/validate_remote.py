"""Validate a dataset where it lies, in a bucket, without downloading its pixels."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from spora_build.checks.report import Report
from spora_build.errors import Problem, Severity, UsageError
from spora_build.transfer.listing import list_files, receive
from spora_build.transfer.remote import Remote
from spora_build.workflows.checking.validate import validate

_PIXELS = re.compile(r"\.ome\.zarr/(?:[^/]+/)*c/\d+(?:/\d+)*$")
"""Shards and chunks below an image."""


def validate_remote(
    remote: Remote,
    *,
    severities: Mapping[str, Severity] | None = None,
) -> Report:
    """Every rule that needs no pixels, asked of a dataset in a bucket.

    Tables, metadata and masks are downloaded into a temporary folder; shards stand there as empty files of the right
    length, since these rules ask only whether they exist. Raises UsageError where there is nothing there, and
    EnvironmentFaultError where the bucket is out of reach.
    """
    name = remote.path.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    files = list_files(remote)
    if not files:
        raise UsageError(
            Problem("E-FETCH-003", "there is nothing in the bucket at this place.", "write s3://bucket/prefix/dataset.")
        )
    with tempfile.TemporaryDirectory(prefix="spora-build-") as scratch:
        root = Path(scratch) / name
        receive(remote, root, [path for path in files if not _PIXELS.search(path)])
        for path, file in files.items():
            if _PIXELS.search(path):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                with (root / path).open("wb") as empty:
                    empty.truncate(file.size)
        return validate(root, severities=severities)
