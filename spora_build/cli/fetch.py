"""spora-build fetch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("fetch")(fetch)


def fetch(
    name: Annotated[str, typer.Argument(help="Name of the dataset, such as schurch2020coordinated.")],
    source: Annotated[
        str | None,
        typer.Option("--from", help="Bucket it is in. Default: the one of the format page.", show_default=False),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="Web address of the store. Default: SPORA_BUILD_S3_ENDPOINT, else the format page's or Amazon's."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder that the dataset's folder is made in.")] = Path(),
    modality: Annotated[list[str] | None, typer.Option(help="Only this modality; repeat for more.")] = None,
    mpp: Annotated[list[float] | None, typer.Option(help="Only this pixel size; repeat for more.")] = None,
    tissue: Annotated[list[str] | None, typer.Option(help="Only this tissue id; repeat for more.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be downloaded and stop.")] = False,
) -> None:
    """Download a dataset or parts of it, verified; again after an interruption, it goes on where it stopped.

    Credentials come from the environment: SPORA_BUILD_S3_USER and SPORA_BUILD_S3_PASSWORD, or the AWS_ variables.

    Example: `spora-build fetch schurch2020coordinated --modality codex --mpp 1.0`
    """
    from spora_build.cli.console import out as console
    from spora_build.cli.console import progress
    from spora_build.transfer.remote import open_remote
    from spora_build.workflows.bucket.fetch import PUBLIC_BUCKET, PUBLIC_ENDPOINT, plan_download
    from spora_build.workflows.bucket.fetch import fetch as run

    default = PUBLIC_ENDPOINT if source is None else None
    remote = open_remote(source or PUBLIC_BUCKET, endpoint=endpoint, default_endpoint=default)
    download = plan_download(
        remote, name, out, modalities=modality or (), mpps=mpp or (), tissues=tissue or (), show_progress=progress
    )
    console.print(
        f"{name}: {len(download.due)} files to fetch, {download.bytes_due / 1e6:.1f} MB; {download.kept} here already",
        soft_wrap=True,
    )
    if dry_run:
        return
    run(download, progress)
    how = "every SHA-256 is right" if download.checksums else "published without checksums: sizes and MD5 are right"
    console.print(f"[bold]{name}[/bold] is in {download.layout.root}; {how}", soft_wrap=True)
