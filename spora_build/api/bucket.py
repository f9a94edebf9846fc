"""Datasets to and from buckets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from spora_build.api.dataset import Dataset, layout_of
from spora_build.transfer.remote import open_remote
from spora_build.workflows.bucket import fetch as _fetch
from spora_build.workflows.bucket import publish as _publish


def publish(
    target: str,
    dataset: Dataset | Path | str = ".",
    *,
    endpoint: str | None = None,
    private: Path | str | None = None,
    delete_removed: bool = False,
    read_back: bool = False,
) -> _publish.Publication:
    """Send a checked dataset to a bucket by rclone, verified; a second time only what changed.

    Credentials come from the environment. Raises InvalidDataError, PrivacyError, EnvironmentFaultError, UsageError.
    """
    layout = layout_of(dataset)
    remote = open_remote(target, endpoint=endpoint)
    _publish.check_fit(layout, private=None if private is None else Path(private))
    publication = _publish.plan_publication(layout, remote)
    _publish.publish(publication, delete_removed=delete_removed, every_byte=read_back)
    return publication


def fetch(
    name: str,
    *,
    source: str | None = None,
    endpoint: str | None = None,
    out: Path | str = ".",
    modalities: Iterable[str] = (),
    mpps: Iterable[float] = (),
    tissues: Iterable[str] = (),
) -> Dataset:
    """Download a dataset or parts of it, verified; again after an interruption, it goes on where it stopped.

    Without ``source`` it is the bucket of the published datasets. Raises InvalidDataError, EnvironmentFaultError.
    """
    default = _fetch.PUBLIC_ENDPOINT if source is None else None
    remote = open_remote(source or _fetch.PUBLIC_BUCKET, endpoint=endpoint, default_endpoint=default)
    download = _fetch.plan_download(remote, name, Path(out), modalities=modalities, mpps=mpps, tissues=tissues)
    _fetch.fetch(download)
    return Dataset(download.layout.root)
