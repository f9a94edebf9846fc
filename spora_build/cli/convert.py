"""spora-build convert."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.options import Jobs, Memory, OnExisting, Scheduler, SchedulerFile
from spora_build.workflows.running.existing import Existing


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("convert")(convert)


def convert(
    raw: Annotated[Path, typer.Argument(help="The raw folder with tissues.csv.", show_default=False)],
    name: Annotated[
        str | None, typer.Option(help="Dataset name, such as smith2023novel. Default: name in spora.toml.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the dataset's folder is made in.")] = Path(),
    mpp: Annotated[
        list[str] | None, typer.Option(help="Pixel size to write: native or a number; repeat for more.")
    ] = None,
    mpp_override: Annotated[
        list[str] | None,
        typer.Option(help="Pixel size of all raw images of a modality, such as imc=1.0; repeat for more."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Tissue id or image of the sheet; repeat for more.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    existing: OnExisting = Existing.REFRESH,
    verify_inputs: Annotated[
        bool, typer.Option("--verify-inputs", help="Compare every byte of the raw files with the last build's.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove tissues and pixel sizes that are no longer asked for.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first tissue that fails.")] = False,
    jobs: Jobs = 0,
    memory: Memory = None,
    scheduler: Scheduler = None,
    scheduler_file: SchedulerFile = None,
    pyramid: Annotated[bool | None, typer.Option("--pyramid", help="Also write smaller levels for viewers.")] = None,
    codec: Annotated[str | None, typer.Option(help="Compression of the pixels.")] = None,
    id_scheme: Annotated[
        str | None, typer.Option(help="keyed (default), spora or random: see docs/privacy.md.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting of spora.toml, such as tiling.sizes=[128]; repeat for more."),
    ] = None,
    id_key_file: Annotated[Path | None, typer.Option(help="File with the secret key of the patient ids.")] = None,
) -> None:
    """Build a dataset from a raw folder: images, metadata, masks, cells, tiles and statistics.

    Example: `spora-build convert raw/ --name smith2023novel`
    """
    from rich.markup import escape

    from spora_build.cli.console import out as console
    from spora_build.cli.console import progress, show_outcomes, show_problems
    from spora_build.cli.exits import exit_with
    from spora_build.cli.resources import resources
    from spora_build.cli.setting_flags import parse_mpps, parse_overrides, parse_settings
    from spora_build.cli.show_cells import show_cells
    from spora_build.cli.show_plan import show_plan
    from spora_build.workflows.build import build
    from spora_build.workflows.convert import ConvertRequest, chosen_tissues, prepare

    if scheduler is not None or scheduler_file is not None:
        raw, out = raw.resolve(), out.resolve()  # workers have folders of their own to start from
    named: dict[str, object] = {
        "mpp": parse_mpps(mpp),
        "pyramid": pyramid,
        "codec": codec,
        "id_scheme": id_scheme,
        **parse_overrides(mpp_override),
    }
    request = ConvertRequest(
        raw=raw,
        name=name,
        out=out,
        overrides=parse_settings(settings) | {key: value for key, value in named.items() if value is not None},
        only=tuple(only or ()),
        workers=jobs,
        existing=existing,
        key_file=id_key_file,
        verify_inputs=verify_inputs,
        fail_fast=fail_fast,
        prune=prune,
        dry_run=dry_run,
    )
    conversion = prepare(request)
    show_problems(conversion.plan.problems)
    if dry_run:
        show_plan(replace(conversion.plan, tissues=chosen_tissues(conversion.plan, request.only)))
        return
    layout = conversion.layout
    with resources(
        scheduler=scheduler,
        scheduler_file=scheduler_file,
        memory=memory,
        writable=(layout.root.parent, layout.private),
        readable=(raw,),
        threads=jobs,
    ):
        outcomes = build(conversion, request, progress)
    show_outcomes(outcomes)
    show_cells(layout)
    console.print(
        f"[bold]{layout.name}[/bold] is in {escape(str(layout.root))}; its key and crosswalk, for you alone, in"
        f" {escape(str(layout.root.parent / layout.private.name))}",
        soft_wrap=True,
    )
    exit_with(outcomes)
