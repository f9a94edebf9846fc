"""Whether the disk can hold what is about to be written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Problem
from spora_build.workflows.images.write import ImagesJob


def refuse_full_disk(jobs: Sequence[ImagesJob], root: Path) -> None:
    """Raise EnvironmentFaultError where the images cannot fit on the disk."""
    needed = sum(
        image.bytes_per_px * output.size.height * output.size.width
        for job in jobs
        for index, image in enumerate(job.tissue.images)
        for output in image.outputs
        if (index, output.mpp) in job.wanted
    )
    existing = next(folder for folder in (root, *root.resolve().parents) if folder.exists())
    # even barely compressible pixels lose a fifth, so that only a certain shortage stops a build
    if needed * 0.5 > shutil.disk_usage(existing).free:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-001",
                f"the images need up to {needed / 1e9:.1f} GB and the disk has"
                f" {shutil.disk_usage(existing).free / 1e9:.1f} GB left.",
                "free some space, or write elsewhere with --out.",
            )
        )
