"""spora-build demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Jobs


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")] = Path("demo"),
    jobs: Jobs = 0,
) -> None:
    """Build a small example cohort from raw files made on the spot, show it and validate it.

    Example: `spora-build demo`
    """
    from spora_build.cli.console import out, progress, show_outcomes, show_problems
    from spora_build.cli.exits import exit_with
    from spora_build.cli.show_tree import show_tree
    from spora_build.cli.validate import show_report
    from spora_build.example.cohort import NAME, write_example
    from spora_build.workflows.build import build
    from spora_build.workflows.checking.validate import validate
    from spora_build.workflows.convert import ConvertRequest, prepare

    raw = folder / "raw"
    out.rule("a lab's raw folder")
    write_example(raw)
    show_tree(raw, fold=False)
    out.rule(f"spora-build convert {raw} --out {folder}")
    request = ConvertRequest(raw=raw, out=folder, workers=jobs)
    conversion = prepare(request)
    show_problems(conversion.plan.problems)
    outcomes = build(conversion, request, progress)
    show_outcomes(outcomes)
    out.rule("the dataset")
    show_tree(folder / NAME)
    out.rule(f"spora-build validate {folder / NAME} --deep")
    report = validate(folder / NAME, deep=True)
    show_report(report)
    out.rule("open it")
    out.print(_HOW_TO_OPEN.format(name=NAME, path=folder / NAME), markup=False, soft_wrap=True)
    out.rule("look at it")
    out.print(f"spora-build report {folder / NAME}", markup=False, soft_wrap=True)
    exit_with(outcomes, takes_only=False)


_HOW_TO_OPEN = """\
import zarr, pandas as pd                     # or spora-io, which reads all of this by itself
tissues = pd.read_parquet("{path}/metadata/tissues.parquet")
tissue = tissues.tissue_id[0]
image = zarr.open(f"{path}/codex/1_0mpp/images/{{tissue}}.ome.zarr/0", mode="r")
tile = image[:, :128, :128]                   # channels first

from spora_io.datasets import MultiplexImagingDataset
codex = MultiplexImagingDataset("{name}", "codex", "quantile_clipping/uq_0.99_image", 1.0, path="{path}", tile_size=128)
codex.get_tile(codex.get_tissue_ids()[0], 0)"""
