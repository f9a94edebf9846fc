"""Who works and with how much memory, from the options of a command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


@contextmanager
def resources(
    *,
    scheduler: str | None = None,
    scheduler_file: Path | None = None,
    memory: str | None = None,
    writable: Sequence[Path] = (),
    readable: Sequence[Path] = (),
    threads: int = 0,
) -> Iterator[None]:
    """Run the block on this machine's processes, or on the Dask cluster that the options name."""
    from spora_build.workflows.running.executors import Resources, use_resources

    limit = None if memory is None else parse_memory(memory)
    if scheduler is None and scheduler_file is None:
        with use_resources(Resources(memory=limit)):
            yield
        return
    if limit is not None:
        raise typer.BadParameter(
            "it is for this machine; workers of a cluster have the limit they were started with"
            " (dask worker --memory-limit)",
            param_hint="--memory",
        )
    from spora_build.workflows.running.dask_cluster import open_cluster

    with (
        open_cluster(
            scheduler, scheduler_file=scheduler_file, writable=writable, readable=readable, threads=threads
        ) as cluster,
        use_resources(Resources(cluster)),
    ):
        yield


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``16GB``, ``16GiB`` or ``800M``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", text.strip().lower())
    if match is None or match[2] not in _UNITS:
        raise typer.BadParameter(f"{text!r} is no size such as 16GB", param_hint="--memory")
    return int(float(match[1]) * _UNITS[match[2]])
