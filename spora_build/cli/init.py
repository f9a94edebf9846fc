"""spora-build init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("init")(init)


def init(
    raw: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with the raw images. With --template: by default the one you are in.", show_default=False
        ),
    ] = None,
    template: Annotated[
        str | None, typer.Option(help="Write empty sheets for this modality instead, such as imc.", show_default=False)
    ] = None,
) -> None:
    """Draft tissues.csv, the panels and spora.toml from what the raw files say. Never overwrites.

    Run it again when files have been added: it adds their rows. Example: `spora-build init raw/`
    """
    from rich.markup import escape

    from spora_build.cli.console import out, show_problems
    from spora_build.model.modality import Modality
    from spora_build.workflows.drafting.init import draft, write_templates

    if template is None:
        if raw is None:
            raise typer.BadParameter("name the folder with the raw images", param_hint="RAW")
        result = draft(raw)
    else:
        try:
            modality = Modality.parse(template)
        except ValueError:
            message = f"{template!r} is no modality: he, imc, codex, cycif, mibi, ihc_<MARKER>"
            raise typer.BadParameter(message, param_hint="--template") from None
        result = write_templates(raw or Path(), modality)
    show_problems(result.problems)
    for sheet in result.written:
        if sheet.file == "spora.toml":
            done = "written, every setting with its default" if sheet.is_new else "unchanged"
        elif sheet.is_new:
            done = f"written, rows: {sheet.rows}"
        else:
            done = f"rows added: {sheet.rows}" if sheet.rows else "unchanged, nothing to add"
        out.print(f"[bold]{escape(sheet.file)}[/bold] {done}")
    if result.images:
        out.print(f"Images found: {result.images}. Fill in what is named above, look through the panels, then:")
        out.print(f"  spora-build convert {escape(str(raw))} --name smith2023novel --dry-run", soft_wrap=True)
