"""Validate a dataset where it lies, in a bucket, without downloading its pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from spora_build.checks.report import Report
from spora_build.errors import Severity
from spora_build.transfer.mirror import Mirror, open_mirror
from spora_build.transfer.remote import Remote
from spora_build.workflows.checking.validate import validate

_PIXELS = re.compile(r"\.ome\.zarr/(?:[^/]+/)*c/\d+(?:/\d+)*$")
"""Shards and chunks below an image."""


@contextmanager
def open_remote_dataset(remote: Remote) -> Iterator[Mirror]:
    """A dataset in a bucket as a folder: tables, metadata and masks are there, pixels when they are asked for.

    Raises UsageError where there is nothing there, and EnvironmentFaultError where the bucket is out of reach.
    """
    with open_mirror(remote, is_later=lambda path: _PIXELS.search(path) is not None) as mirror:
        yield mirror


@contextmanager
def open_remote_headers(remote: Remote) -> Iterator[Mirror]:
    """The images of a bucket as a folder, of which only the metadata are there. Raises as open_remote_dataset."""
    with open_mirror(
        remote,
        is_later=lambda path: _PIXELS.search(path) is not None,
        is_wanted=lambda path: ".ome.zarr/" in path,
    ) as mirror:
        yield mirror


def validate_remote(remote: Remote, *, severities: Mapping[str, Severity] | None = None) -> Report:
    """Every rule that needs no pixels, asked of a dataset in a bucket. Raises as open_remote_dataset."""
    with open_remote_dataset(remote) as mirror:
        return validate(mirror.root, severities=severities)
