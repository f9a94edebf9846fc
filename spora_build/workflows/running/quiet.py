"""Keep what libraries say off the screen and out of logs: they name files and quote headers."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import ExceptHookArgs


def keep_quiet() -> None:
    """Silence third-party loggers and Python's warnings, and leave the text out of errors that nobody can catch.

    tifffile logs tag values, zarr and readimc warn with paths, errors in a finaliser show the open file. What a user
    has to know is a Problem; everything else could carry an identifier into a log. For processes of the command line
    and their workers: a program that imports spora_build keeps its own settings.
    """
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.addHandler(logging.NullHandler())  # without any, Python writes warnings to stderr by itself
    logging.raiseExceptions = False
    warnings.showwarning = _say_nothing
    sys.unraisablehook = _show_unraisable
    threading.excepthook = _show_thread


def say_no_more_than_the_kind() -> None:
    """Let an error that ends this process be told by its type alone, without a traceback."""
    sys.excepthook = lambda kind, *_: _show(kind)


def _say_nothing(*_args: object, **_kwargs: object) -> None:
    return


def _show_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    _show(unraisable.exc_type)


def _show_thread(args: ExceptHookArgs) -> None:
    _show(args.exc_type)


def _show(kind: type[BaseException]) -> None:
    if sys.stderr is not None and not issubclass(kind, SystemExit):
        sys.stderr.write(f"spora-build: an error outside of any task: {kind.__name__}\n")
