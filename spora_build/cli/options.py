"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.workflows.jobs import Existing

Dataset = Annotated[
    Path | None,
    typer.Option("--dataset", help="The dataset's folder. Default: the one you are in.", show_default=False),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", help="Workers; 0 uses every core.")]
OnExisting = Annotated[
    Existing, typer.Option("--existing", help="refresh: redo what changed; skip; overwrite: redo all; error.")
]
