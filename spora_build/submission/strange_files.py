"""Files that are not what they seem: pipes and devices, which block or never end, and links that lead elsewhere."""

from __future__ import annotations

from pathlib import Path

from spora_build.errors import Problem
from spora_build.submission.problems import problem


def strange_file(path: Path, root: Path, file: str) -> Problem | None:
    """Why a sheet cannot be trusted to be a file of the raw folder, before it is opened; None where it can."""
    try:
        if not path.resolve().is_relative_to(root.resolve()):
            return problem("E-SHEET-020", file)
        if path.exists() and not path.is_file():
            return problem("E-SHEET-014", file, reason="not a file")
    except (OSError, RuntimeError) as error:  # a loop of links
        return problem("E-SHEET-014", file, reason=getattr(error, "strerror", None) or "a loop of links")
    return None
