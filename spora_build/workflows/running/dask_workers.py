"""What every worker of a cluster must have: our software, and our folders under the same paths."""

from __future__ import annotations

import hashlib
import secrets
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spora_build import __version__
from spora_build.errors import EnvironmentFaultError, Place, Problem
from spora_build.store.atomic import TEMPORARY_SUFFIX
from spora_build.workflows.running.jobs import default_workers

_WITNESS_BYTES = 1 << 20
_SOFTWARE = ("numpy", "imagecodecs", "numba", "scipy", "pyarrow", "tifffile")


@dataclass(frozen=True)
class Terms:
    """What every worker has to have, those too that join in the middle."""

    witnesses: tuple[tuple[str, str], ...]
    """Files (path, digest) that it must find as they are here."""
    software: tuple[str, ...] = ()
    """Name and version of everything that has a say in the bytes."""


@dataclass(frozen=True)
class Seen:
    """What one worker says of itself."""

    software: tuple[str, ...]
    host: str
    cores: int
    missing: tuple[str, ...]
    """Names of the folders that it does not see as we do."""


def look_around(witnesses: tuple[tuple[str, str], ...]) -> Seen:
    """On a worker: which of these files (path, digest) it does not find as they are."""
    missing = tuple(Path(path).parent.name for path, digest in witnesses if _digest(Path(path)) != digest)
    return Seen(software(), socket.gethostname(), default_workers(), missing)


@cache
def software() -> tuple[str, ...]:
    """Name and version of everything that has a say in the bytes that a worker writes."""
    return (
        f"spora-build {__version__}",
        f"Python {sys.version_info.major}.{sys.version_info.minor}",
        *(f"{name} {version(name)}" for name in _SOFTWARE),
    )


def _digest(path: Path) -> str:
    """SHA-256 of the first bytes of a file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(_WITNESS_BYTES)).hexdigest()
    except OSError:
        return ""


@cache
def agree(terms: Terms) -> None:
    """Look around, once in each worker. Raises EnvironmentFaultError."""
    refuse_strangers([look_around(terms.witnesses)], terms)


@contextmanager
def put_witnesses(writable: list[Path], readable: list[Path]) -> Iterator[tuple[tuple[str, str], ...]]:
    """Files in the folders, by which a worker can tell whether it sees the same ones."""
    made = [folder / f".probe.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}" for folder in writable]
    found = [min((p for p in folder.iterdir() if p.is_file()), default=None) for folder in readable]
    try:
        for path in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(secrets.token_hex(16), encoding="utf-8")
        yield tuple((str(path), _digest(path)) for path in (*made, *found) if path is not None)
    finally:
        for path in made:
            path.unlink(missing_ok=True)


def look_at_workers(client: Any, terms: Terms) -> dict[str, Seen]:
    """What all workers say of themselves, by address. Raises EnvironmentFaultError where one, or the scheduler, which
    unpacks every job on its way, has other software or sees other files.
    """
    try:
        seen: dict[str, Seen] = client.run(look_around, terms.witnesses)
    except ModuleNotFoundError:
        raise EnvironmentFaultError(other_software("a worker runs without spora-build")) from None
    refuse_strangers(seen.values(), terms)
    try:
        theirs = client.run_on_scheduler(software)
    except ModuleNotFoundError:
        raise EnvironmentFaultError(other_software("the scheduler runs without spora-build")) from None
    if theirs[:1] != terms.software[:1]:
        raise EnvironmentFaultError(other_software(f"the scheduler runs with {theirs[0]}"))
    return seen


def refuse_strangers(seen: Iterable[Seen], terms: Terms) -> None:
    """Raise EnvironmentFaultError where a worker has other software, or does not see the files that are here."""
    for eyes in seen:
        for theirs, ours in zip(eyes.software, terms.software, strict=False):
            if theirs != ours:
                raise EnvironmentFaultError(
                    other_software(f"a worker runs with {theirs}, not {ours.rpartition(' ')[2]}")
                )
        if eyes.missing:
            raise EnvironmentFaultError(
                Problem(
                    "E-DASK-005",
                    f"a worker does not see the files that are here"
                    f" ({len(eyes.missing)} of {len(terms.witnesses)} folders).",
                    "keep raw and output on a disk that all machines mount under the same path.",
                    Place(file=eyes.missing[0]),
                )
            )


def other_software(which: str) -> Problem:
    return Problem(
        "E-DASK-004",
        f"{which}; the bytes that come out might differ.",
        "install the same versions for scheduler and workers, as requirements-lock.txt has them.",
    )
