"""Patients divided into train and test: stratified, seeded, and unchanged for those who have a split already."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from spora_build.errors import Place, Problem, UsageError
from spora_build.store.layout import Layout
from spora_build.store.tables import read_frame, write_table
from spora_build.workflows.dataset.remembered_split import read_split, remember_split

MAX_STRATA = 20
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class SplitRow:
    """Patients of one stratum."""

    stratum: str
    train: int
    test: int


def split_patients(strata: Mapping[str, str], test_share: float, seed: int, kept: Mapping[str, str]) -> dict[str, str]:
    """``train`` or ``test`` for each patient of ``strata`` (patient id to stratum).

    Patients of ``kept`` stay where they are. The others follow in the order of a hash of seed and id, and fill the test
    set of their stratum up to its share: nothing depends on the order of the table. Shares are rounded by largest
    remainders, so that the whole has round(share · patients) in test, unless ``kept`` has more.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for patient in sorted(strata, key=lambda patient: hashlib.sha256(f"{seed}/{patient}".encode()).digest()):
        members[strata[patient]].append(patient)
    wanted = _shares({name: len(of) for name, of in members.items()}, test_share)
    result = {patient: split for patient, split in kept.items() if patient in strata}
    for name, patients in members.items():
        have = sum(result.get(patient) == TEST for patient in patients)
        for patient in patients:
            if patient not in result:
                result[patient] = TEST if have < wanted[name] else TRAIN
                have += result[patient] == TEST
    return dict(sorted(result.items()))


def _shares(sizes: Mapping[str, int], share: float) -> dict[str, int]:
    total = math.floor(share * sum(sizes.values()) + 0.5)
    shares = {name: math.floor(share * size) for name, size in sizes.items()}
    rest = sorted(sizes, key=lambda name: (shares[name] - share * sizes[name], name))
    for name in rest[: total - sum(shares.values())]:
        shares[name] += 1
    return shares


def run_split(
    layout: Layout, *, test_share: float = 0.2, by: str | None = None, seed: int = 0, again: bool = False
) -> list[SplitRow]:
    """Write the column ``split`` of tissues.parquet and remember it beside the dataset for later builds.

    ``by`` is a column of tissues.parquet; a patient with several values is a stratum of that combination. ``again``
    forgets what was decided before. Raises UsageError for a share or a column that cannot be, and where the split is
    the contributor's own.
    """
    if not 0 < test_share < 1:
        raise _refused("E-SPLIT-001", "the test share lies between 0 and 1.", "give --test 0.2, for example.", None)
    tissues = read_frame(layout.tissues_table)
    kept = {} if again else read_split(layout)
    known = tissues.dropna(subset=["split"]) if "split" in tissues else tissues.iloc[:0]
    theirs = dict(zip(known["patient_id"], known["split"], strict=True)) if len(known) else {}
    if theirs and not again and any(kept.get(patient) != split for patient, split in theirs.items()):
        raise _refused(
            "E-SPLIT-003",
            "tissues.parquet has a split that was not made here.",
            "keep it, or give --again to draw a new one.",
            "split",
        )
    strata = _strata(tissues, by)
    decided = split_patients(strata, test_share, seed, kept)
    tissues["split"] = pd.Series(tissues["patient_id"].map(decided), dtype=pd.StringDtype())
    write_table(layout.tissues_table, pa.Table.from_pandas(tissues, preserve_index=False))
    remember_split(layout, {**kept, **decided})
    rows: dict[str, list[str]] = defaultdict(list)
    for patient, split in decided.items():
        rows[strata[patient]].append(split)
    return [SplitRow(name, of.count(TRAIN), of.count(TEST)) for name, of in sorted(rows.items())]


def _strata(tissues: pd.DataFrame, by: str | None) -> dict[str, str]:
    patients = sorted(tissues["patient_id"].unique())
    if by is None:
        return dict.fromkeys(patients, "all")
    if by not in tissues:
        columns = [str(name) for name in tissues if 1 < tissues[name].nunique() <= MAX_STRATA]
        near = ", ".join(sorted(set(columns) - {"patient_id", "tissue_id", "specimen_id", "split"}))
        raise _refused("E-SPLIT-002", f"tissues.parquet has no column {by!r}.", f"choose among: {near or 'none'}.", by)
    values = tissues.groupby("patient_id")[by].agg(
        lambda of: " + ".join(sorted({str(v) for v in of.dropna()})) or "unknown"
    )
    if values.nunique() > MAX_STRATA:
        raise _refused(
            "E-SPLIT-004",
            f"{by!r} divides the patients into {values.nunique()} strata; at most {MAX_STRATA} make sense.",
            "choose a column of few categories, or bin it in spora.toml.",
            by,
        )
    return {str(patient): str(value) for patient, value in values.items()}


def _refused(code: str, what: str, remedy: str, column: str | None) -> UsageError:
    return UsageError(Problem(code, what, remedy, Place(file="metadata/tissues.parquet", column=column)))
