"""spora-build ids: the key and the codes of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spora_build.cli.group import Group
from spora_build.cli.options import Dataset

Name = Annotated[str, typer.Option(help="Name of the new dataset.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder that the new dataset's folder is made in. Default: beside the old.", show_default=False),
]


def add_to(app: typer.Typer) -> None:
    """Add the group of commands to the app."""
    ids = typer.Typer(
        cls=Group,
        help="Keys and codes of a dataset: show, export-key, import-key, rotate. See docs/privacy.md.",
        no_args_is_help=True,
    )
    for command in (show, export_key, import_key, rotate):
        ids.command()(command)
    app.add_typer(ids, name="ids")


def show(dataset: Dataset = None) -> None:
    """Say how a dataset's ids were made and how many there are; never an identifier, never the key.

    Example: `spora-build ids show`
    """
    from collections import Counter

    from spora_build.cli.console import out
    from spora_build.cli.stages import open_dataset
    from spora_build.errors import UsageError
    from spora_build.privacy.crosswalk import Crosswalk
    from spora_build.privacy.key import KEY_FILE
    from spora_build.workflows.dataset.rotate_ids import no_crosswalk

    layout = open_dataset(dataset)
    crosswalk = Crosswalk.load(layout.private)
    if crosswalk.scheme is None:
        raise UsageError(no_crosswalk(layout))
    counts = Counter(entry.kind for entry in crosswalk.entries)
    where = f"in {layout.private.name}/{KEY_FILE}" if (layout.private / KEY_FILE).exists() else "kept elsewhere"
    out.print(f"dataset   {crosswalk.dataset}\nscheme    {crosswalk.scheme.value}")
    if crosswalk.key_fingerprint:
        out.print(f"key       fingerprint {crosswalk.key_fingerprint}, {where}")
    out.print(f"ids       {counts['patient']} patients, {counts['tissue']} tissues, {counts['biopsy']} biopsies")


def export_key(
    target: Annotated[Path, typer.Argument(help="New file for the key, mode 600.", show_default=False)],
    dataset: Dataset = None,
) -> None:
    """Copy a dataset's key into a file, so that another dataset gives the same patients the same ids.

    Example: `spora-build ids export-key lab.key`
    """
    from spora_build.cli.console import out
    from spora_build.cli.stages import open_dataset
    from spora_build.privacy.key import export_key as export

    key = export(open_dataset(dataset).private, target)
    out.print(f"{target.name} holds the key {key.fingerprint}: whoever has it can test any guessed identifier.")


def import_key(
    source: Annotated[Path, typer.Argument(help="File with a key.", show_default=False)],
    name: Name,
    out: Out = None,
) -> None:
    """Give a dataset that is still to be built the key of another, before its first build.

    Example: `spora-build ids import-key lab.key --name smith2024second`
    """
    from spora_build.cli.console import out as console
    from spora_build.privacy.key import import_key as take
    from spora_build.workflows.dataset.rotate_ids import new_dataset

    layout = new_dataset(name, out or Path())
    key = take(layout.private, source)
    console.print(f"{layout.private.name} has the key {key.fingerprint}: convert --name {name} will use it.")


def rotate(
    name: Name,
    dataset: Dataset = None,
    out: Out = None,
    scheme: Annotated[
        str | None, typer.Option("--id-scheme", help="keyed, random or spora. Default: as the old dataset.")
    ] = None,
) -> None:
    """Give all tissues of a dataset new ids under a new name; images are built anew by convert, the old stay.

    Example: `spora-build ids rotate --name smith2023shared`
    """
    from spora_build.cli.console import out as console
    from spora_build.cli.stages import open_dataset
    from spora_build.privacy.pseudonym import IdScheme
    from spora_build.workflows.dataset.rotate_ids import new_dataset, rotate_ids

    if scheme is not None and scheme not in list(IdScheme):
        raise typer.BadParameter("use keyed, random or spora", param_hint="--id-scheme")
    old = open_dataset(dataset)
    done = rotate_ids(
        old, new_dataset(name, out or old.root.resolve().parent), scheme=None if scheme is None else IdScheme(scheme)
    )
    flag = "" if done.scheme is IdScheme.KEYED else f" --id-scheme {done.scheme.value}"
    console.print(
        f"{done.layout.private.name} has new ids for {done.tissues} tissues; old and new stand in its rotation.csv.\n"
        f"Now build them: spora-build convert <raw folder> --name {name} --out {done.layout.root.parent}{flag}",
        soft_wrap=True,
        markup=False,
    )
