"""spora-build publish."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spora_build.cli.options import Dataset

if TYPE_CHECKING:
    from spora_build.workflows.bucket.publish import Publication

_SHOWN = 20


def add_to(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("publish")(publish)


def publish(
    target: Annotated[
        str, typer.Argument(help="s3://bucket or s3://bucket/prefix, or remote:bucket of rclone's config.")
    ],
    dataset: Dataset = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Web address of the store. Default: SPORA_BUILD_S3_ENDPOINT, else Amazon.")
    ] = None,
    private: Annotated[
        Path | None, typer.Option(help="The private folder. Default: the one beside the dataset.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check, show what would be sent, and stop.")] = False,
    delete_removed: Annotated[
        bool, typer.Option("--delete-removed", help="Delete from the bucket what the dataset no longer has.")
    ] = False,
    read_back: Annotated[bool, typer.Option("--read-back", help="Verify by downloading every byte again.")] = False,
) -> None:
    """Send a dataset to a bucket, verified; a second time only what changed.

    The format and privacy checks must pass. Credentials come from the environment: SPORA_BUILD_S3_USER and
    SPORA_BUILD_S3_PASSWORD, or the AWS_ variables, or rclone's config.

    Example: `spora-build publish s3://spora --dry-run`
    """
    from spora_build.cli.console import out, progress
    from spora_build.cli.stages import open_dataset
    from spora_build.transfer.remote import open_remote
    from spora_build.workflows.bucket.publish import check_fit, plan_publication
    from spora_build.workflows.bucket.publish import publish as run

    layout = open_dataset(dataset)
    remote = open_remote(target, endpoint=endpoint)
    check_fit(layout, private=private, show_progress=progress)
    publication = plan_publication(layout, remote, progress)
    _show(publication, delete_removed=delete_removed)
    if dry_run:
        return
    run(publication, delete_removed=delete_removed, every_byte=read_back, show_progress=progress)
    out.print(f"[bold]{layout.name}[/bold] is in {publication.remote.shown}, verified")


def _show(publication: Publication, *, delete_removed: bool) -> None:
    from rich.markup import escape

    from spora_build.cli.console import out

    difference = publication.difference
    out.print(
        f"{publication.layout.name}: {len(publication.digests)} files, {publication.total_bytes / 1e6:.1f} MB;"
        f" new {len(difference.new)}, changed {len(difference.changed)}, unchanged {len(difference.same)};"
        f" to send: {publication.bytes_due / 1e6:.1f} MB",
        soft_wrap=True,
    )
    if difference.removed:
        fate = "will be deleted" if delete_removed else "stay; delete them with --delete-removed"
        out.print(f"{len(difference.removed)} objects are only in the bucket and {fate}:", soft_wrap=True)
        for path in difference.removed[:_SHOWN]:
            out.print(f"  {escape(path)}", soft_wrap=True)
        if len(difference.removed) > _SHOWN:
            out.print(f"  … and {len(difference.removed) - _SHOWN} more")
