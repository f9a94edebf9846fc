"""The empty sheets, settings and reader that a contributor starts from."""

from __future__ import annotations

from pathlib import Path

TEMPLATE_NAMES = (
    "tissues.csv",
    "panel_imc.csv",
    "panel_codex.csv",
    "clinical.csv",
    "cells.csv",
    "spora.toml",
    "reader.py",
)


def read_template(name: str) -> str:
    """Text of one of ``TEMPLATE_NAMES``. Raises FileNotFoundError for another name."""
    package = Path(__file__).parent.parent
    installed = package / "templates" / name
    in_a_checkout = package.parent / "templates" / name
    return (installed if installed.is_file() else in_a_checkout).read_text(encoding="utf-8")
