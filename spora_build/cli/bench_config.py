"""spora-build bench-config."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Dataset


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("bench-config")(bench_config)


def bench_config(
    dataset: Dataset = None,
    out: Annotated[Path, typer.Option(help="Folder to write to: the configs folder of spora-bench.")] = Path("configs"),
) -> None:
    """Write spora-bench's configurations of a dataset, and say what it would trip over.

    Files that are there already stay as they are.

    Example: `spora-build bench-config --out ../spora-bench/configs`
    """
    from spora_build.cli.console import out as console
    from spora_build.cli.console import show_problems
    from spora_build.cli.stages import open_dataset
    from spora_build.workflows.dataset.bench_config import plan_bench_configs, write_bench_configs

    configs = plan_bench_configs(open_dataset(dataset))
    written = {path.relative_to(out).as_posix() for path in write_bench_configs(configs, out)}
    for name in configs.files:
        console.print(f"{out / name}{'' if name in written else ' (is there already)'}", markup=False, soft_wrap=True)
    show_problems(configs.problems)
