"""Hold a dataset: no other build touches it meanwhile, and what a crash left is taken away first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from spora_build.errors import EnvironmentFaultError, Place, Problem, SporaBuildError
from spora_build.privacy.private_files import close_to_others, make_private_folder, private_lock
from spora_build.store.layout import Layout
from spora_build.store.lock import LockedError, Owner, hold_lock, owner_at
from spora_build.store.sweep import sweep

LOCK_FILE = "build.lock"
_LOOKS = 3
"""A heartbeat may be on its way to the disk."""
P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class _Held:
    """A dataset that this process holds."""

    token: str
    root: int | None = None
    """An open descriptor of its folder, which stays that of this folder when it is moved; None where there is none."""


_held: dict[Path, _Held] = {}
"""By private folder: a build calls stages that hold the dataset too."""


@contextmanager
def hold(layout: Layout) -> Iterator[None]:
    """Hold the dataset alone. Raises EnvironmentFaultError where another build does, or it is moved away meanwhile:
    in the place of whatever else goes wrong then.

    Unfinished files are removed at the start, since whoever made them is dead, and at the end: a worker that was killed
    leaves some in a build that goes well.
    """
    private = layout.private
    if private in _held:
        _refuse_if_gone(layout)
        yield
        _refuse_if_gone(layout)
        return
    make_private_folder(private)
    try:
        with hold_lock(private / LOCK_FILE) as owner:
            _held[private] = _Held(owner.token)
            try:
                _sweep(layout)
                _refuse_if_gone(layout)
                try:
                    yield
                except (OSError, SporaBuildError):
                    _refuse_if_gone(layout)
                    raise
                _refuse_if_gone(layout)
            finally:
                try:
                    if _is_held(private):
                        _sweep(layout)
                finally:
                    held = _held.pop(private)
                    if held.root is not None:
                        os.close(held.root)
    except LockedError as error:
        raise EnvironmentFaultError(_busy(layout, error.owner)) from None


def make_dataset_folder(layout: Layout) -> None:
    """Make the folder of a held dataset that is new: from now on its absence means that it was moved away."""
    _refuse_if_gone(layout)
    layout.root.mkdir(parents=True, exist_ok=True)
    _refuse_if_gone(layout)


def holding(stage: Callable[Concatenate[Layout, P], R]) -> Callable[Concatenate[Layout, P], R]:
    """A function of a dataset that holds it while it runs."""

    @wraps(stage)
    def held(layout: Layout, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with hold(layout):
            return stage(layout, *args, **kwargs)

    return held


def _refuse_if_gone(layout: Layout) -> None:
    """Whatever was renamed or deleted, results would go to two places, and neither have all of them."""
    private = layout.private
    is_held = _is_held(private)
    if is_held and _is_same_folder(layout.root, _held[private]):
        return
    if not is_held:
        with suppress(OSError):
            private.chmod(0o700)  # a worker may have made it anew
    raise EnvironmentFaultError(
        Problem(
            "E-ENV-021",
            "this dataset or the private folder beside it was moved or removed, or another build took it over, while"
            " this command was at work.",
            "put both folders back where they were, or remove what is left of them; then run the same command again.",
            Place(file=layout.name),
        )
    )


def _is_held(private: Path) -> bool:
    for _ in range(_LOOKS):
        owner = owner_at(private / LOCK_FILE)
        if owner is not None and owner.token == _held[private].token:
            return True
        time.sleep(0.1)
    return False


def _is_same_folder(root: Path, held: _Held) -> bool:
    """Whether the dataset's folder is still the one that was first seen."""
    if os.name != "posix":  # folders cannot be opened to look at them again
        return True
    try:
        if held.root is None:
            if root.is_dir():
                held.root = os.open(root, os.O_RDONLY)
            return True
        return os.path.samestat(os.fstat(held.root), root.stat())
    except OSError:
        return False


def _sweep(layout: Layout) -> None:
    if layout.root.is_dir():
        sweep(layout.root)
    with private_lock(layout.private):  # the crosswalk is written without the dataset's lock
        sweep(layout.private)
        close_to_others(layout.private)


def _busy(layout: Layout, owner: Owner | None) -> Problem:
    who = f" (process {owner.pid} on {owner.host})" if owner is not None else ""
    return Problem(
        "E-ENV-020",
        f"another build is at work on this dataset{who}.",
        "wait until it has ended, or stop it, and run the same command again.",
        Place(file=layout.name),
    )
