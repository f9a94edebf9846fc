"""New ids for the tissues of a dataset, under a new name: after a leaked key, or to share the cohort unlinkably."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import Place, Problem, UsageError
from spora_build.model.names import is_dataset_name
from spora_build.privacy.crosswalk import Crosswalk
from spora_build.privacy.crosswalk_file import CROSSWALK_FILE
from spora_build.privacy.key import IdKey, keep_key
from spora_build.privacy.private_files import private_lock, write_private
from spora_build.privacy.pseudonym import IdScheme
from spora_build.store.layout import Layout

ROTATION_FILE = "rotation.csv"


@dataclass(frozen=True)
class Rotated:
    """What a rotation wrote."""

    layout: Layout
    """The new dataset, of which only the private folder is there yet."""
    scheme: IdScheme
    tissues: int


def rotate_ids(old: Layout, new: Layout, *, scheme: IdScheme | None = None) -> Rotated:
    """Give every tissue of ``old`` a new id: a private folder for ``new`` with a new key and the rotated crosswalk.

    Specimen numbers stay; no image is touched: ``convert --name <new>`` builds the tree under the new ids. Which id
    became which is in ``rotation.csv`` of the new private folder. ``scheme``: None keeps the one of the old dataset.
    Raises UsageError where the old dataset has no crosswalk, or the new name has one already.
    """
    crosswalk = Crosswalk.load(old.private)
    if crosswalk.scheme is None:
        raise UsageError(no_crosswalk(old))
    wanted = scheme or crosswalk.scheme
    with private_lock(new.private):
        if (new.private / CROSSWALK_FILE).exists():
            raise UsageError(
                Problem(
                    "E-ID-050",
                    "the new name has a crosswalk already.",
                    "take a name that no dataset has had.",
                    Place(file=f"{new.private.name}/{CROSSWALK_FILE}"),
                )
            )
        key = keep_key(new.private, IdKey.generate()) if wanted is IdScheme.KEYED else None
        rotated, pairs = crosswalk.rotate(dataset=new.name, scheme=wanted, key=key)
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("old_tissue_id", "tissue_id"), *pairs])
        write_private(new.private / ROTATION_FILE, text.getvalue().encode())
        rotated.save(new.private)
    return Rotated(new, wanted, len(pairs))


def no_crosswalk(layout: Layout) -> Problem:
    """The problem of a dataset without crosswalk."""
    return Problem(
        "E-ID-051",
        "there is no crosswalk beside this dataset.",
        "run it where the dataset was built, beside its private folder.",
        Place(file=layout.private.name),
    )


def new_dataset(name: str, out: Path) -> Layout:
    """The place of a dataset that is not there yet. Raises UsageError where the name is none."""
    if not is_dataset_name(name):
        raise UsageError(
            Problem(
                "E-NAME-001",
                f"{name!r} is no dataset name.",
                "use lower-case letters, a year and a word, such as smith2023novel.",
                Place(column="name", value=name),
            )
        )
    return Layout(out / name)
