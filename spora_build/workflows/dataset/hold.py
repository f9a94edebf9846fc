"""Hold a dataset: no other build touches it meanwhile, and what a crash left is taken away first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from spora_build.errors import EnvironmentFaultError, Place, Problem
from spora_build.privacy.private_files import make_private_folder, private_lock
from spora_build.store.layout import Layout
from spora_build.store.lock import LockedError, Owner, hold_lock
from spora_build.store.sweep import sweep

LOCK_FILE = "build.lock"
P = ParamSpec("P")
R = TypeVar("R")
_held: set[Path] = set()
"""Private folders that this process holds: a build calls stages that hold the dataset too."""


@contextmanager
def hold(layout: Layout) -> Iterator[None]:
    """Hold the dataset alone. Raises EnvironmentFaultError where another build does.

    Unfinished files are removed at the start, since whoever made them is dead, and at the end: a worker that was killed
    leaves some in a build that goes well.
    """
    private = layout.private
    if private in _held:
        yield
        return
    make_private_folder(private)
    try:
        with hold_lock(private / LOCK_FILE):
            _held.add(private)
            try:
                _sweep(layout)
                yield
            finally:
                try:
                    _sweep(layout)
                finally:
                    _held.discard(private)
    except LockedError as error:
        raise EnvironmentFaultError(_busy(layout, error.owner)) from None


def holding(stage: Callable[Concatenate[Layout, P], R]) -> Callable[Concatenate[Layout, P], R]:
    """A function of a dataset that holds it while it runs."""

    @wraps(stage)
    def held(layout: Layout, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with hold(layout):
            return stage(layout, *args, **kwargs)

    return held


def _sweep(layout: Layout) -> None:
    if layout.root.is_dir():
        sweep(layout.root)
    with private_lock(layout.private):  # the crosswalk is written without the dataset's lock
        sweep(layout.private)


def _busy(layout: Layout, owner: Owner | None) -> Problem:
    who = f" (process {owner.pid} on {owner.host})" if owner is not None else ""
    return Problem(
        "E-ENV-020",
        f"another build is at work on this dataset{who}.",
        "wait until it has ended, or stop it, and run the same command again.",
        Place(file=layout.name),
    )
