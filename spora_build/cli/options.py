"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.workflows.running.existing import Existing

Dataset = Annotated[
    Path | None,
    typer.Option("--dataset", help="The dataset's folder. Default: the one you are in.", show_default=False),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=0, help="Workers; 0 uses every core.")]
Memory = Annotated[
    str | None,
    typer.Option("--memory", help="Memory for all jobs of this machine together, such as 16GB.", show_default=False),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Address of a running Dask scheduler, such as tcp://host:8786: its workers work."),
]
SchedulerFile = Annotated[
    Path | None,
    typer.Option("--scheduler-file", help="In place of the address: the file that the scheduler wrote."),
]
OnExisting = Annotated[
    Existing, typer.Option("--existing", help="refresh: redo what changed; skip; overwrite: redo all; error.")
]
