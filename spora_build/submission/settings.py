"""``spora.toml`` and the flags laid over it, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from spora_build.errors import Problem
from spora_build.submission.settings_types import (
    Allow,
    Bin,
    Cap,
    Cells,
    ColumnAction,
    DaysSince,
    Drop,
    Hash,
    Mask,
    Mpp,
    Privacy,
    Settings,
    Statistics,
    Tiling,
)

__all__ = [
    "Allow",
    "Bin",
    "Cap",
    "Cells",
    "ColumnAction",
    "DaysSince",
    "Drop",
    "Hash",
    "Mask",
    "Mpp",
    "Privacy",
    "Settings",
    "Statistics",
    "Tiling",
    "load_settings",
]


def load_settings(root: Path, overrides: Mapping[str, object]) -> tuple[Settings, list[Problem]]:
    """Settings of ``root/spora.toml`` (all defaults where there is none) with ``overrides`` laid over.

    Keys of ``overrides`` are dotted: ``mpp``, ``tiling.sizes``, ``mpp_override.imc``; None means not given.
    """
    raise NotImplementedError
