"""spora-build: turn a folder of raw spatial-proteomics images into a spora dataset.

``import spora_build`` loads nothing but this file; ``spora_build.convert`` and the other names below are fetched from
:mod:`spora_build.api` when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spora_build.api import (
        Dataset,
        Window,
        bench_config,
        cells,
        convert,
        doctor,
        fetch,
        init,
        inspect,
        mask,
        plan,
        privacy_check,
        publish,
        repair,
        segment,
        split,
        stats,
        tile,
        validate,
        write_report,
    )

__version__ = "0.1.0"
__all__ = [
    "Dataset",
    "Window",
    "bench_config",
    "cells",
    "convert",
    "doctor",
    "fetch",
    "init",
    "inspect",
    "mask",
    "plan",
    "privacy_check",
    "publish",
    "repair",
    "segment",
    "split",
    "stats",
    "tile",
    "validate",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module("spora_build.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
