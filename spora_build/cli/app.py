"""The command line: one thin file per command, nothing heavy before a command runs."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer
from typer.models import CommandInfo, TyperInfo

from spora_build import __version__
from spora_build.cli import (
    bench_config,
    cells,
    convert,
    demo,
    doctor,
    fetch,
    ids,
    init,
    inspect,
    mask,
    privacy_check,
    publish,
    repair,
    report,
    segment,
    split,
    stats,
    tile,
    validate,
    view,
)
from spora_build.cli.group import Group

app = typer.Typer(
    name="spora-build",
    cls=Group,
    help="Turn a folder of raw spatial-proteomics images into a spora dataset.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
PANELS = {
    "Begin": (demo, doctor, init, inspect, convert),
    "One stage of a dataset again": (mask, segment, cells, tile, stats, split),
    "Check and look": (validate, privacy_check, report, view),
    "Share": (publish, fetch, bench_config),
    "Keep": (repair, ids),
}
for panel, modules in PANELS.items():
    for module in modules:
        module.add_to(app)
    entries: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for added in entries:
        if not isinstance(added.rich_help_panel, str):
            added.rich_help_panel = panel


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"spora-build {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Turn a folder of raw spatial-proteomics images into a spora dataset."""
    del version


def main() -> None:
    """Entry point: runs a command and turns errors into messages and exit codes."""
    from spora_build.cli.exits import run
    from spora_build.cli.plain_letters import PLAIN

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=PLAIN)
    run(app)
