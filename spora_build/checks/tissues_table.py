"""``metadata/tissues.parquet``: one row per tissue and modality."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from spora_build.checks.broken_rows import broken_rows, listed, unlike
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.table_file import Kind, TableFile
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity
from spora_build.model.modality import Modality
from spora_build.model.names import PATIENT_ID, SPECIMEN_ID, is_dataset_name

IDENTIFIERS = ("tissue_id", "patient_id", "specimen_id", "modality")
NAN_TEXTS = {"nan", "NaN", "NAN", "<NA>", "NaT", "np.nan"}
EMPTY_TEXTS = {"", "None", "null", "NULL", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA"}


def text_equal_to(table: TableFile, texts: set[str]) -> Iterator[Violation]:
    """One violation per text column that holds one of these texts, spaces around it or not."""
    for name, kind in table.kinds.items():
        if kind is Kind.TEXT and name in table.rows.columns:
            found = [text for text in table.rows[name].dropna().unique() if str(text).strip() in texts]
            yield from broken_rows(table, table.rows[name].isin(found), f"column {name!r}")


@rule("V101", remedy="Run `spora-build convert` again, or write the table with pandas.DataFrame.to_parquet.")
def tissues_table(view: DatasetView) -> Iterator[Violation]:
    """There is a readable metadata/tissues.parquet with at least one row."""
    if view.tissues.frame is None:
        yield Violation(view.tissues.place, "damaged" if view.tissues.exists else "missing")
    elif view.tissues.frame.empty:
        yield Violation(view.tissues.place, "no rows")


@rule("V102", needs=["V101"], remedy="Write the table with tissue_id as a column: table.reset_index().")
def tissue_id_is_a_column(view: DatasetView) -> Iterator[Violation]:
    """In tissues.parquet, tissue_id is a column and not the index, on which the reader stops with a KeyError."""
    if "tissue_id" not in view.tissues.rows.columns:
        where = "it is the index" if "tissue_id" in view.tissues.rows.index.names else "it is missing"
        yield Violation(view.tissues.place, where)


@rule("V103", needs=["V102"], remedy="Add the columns.")
def tissues_columns(view: DatasetView) -> Iterator[Violation]:
    """tissues.parquet has the columns tissue_id, patient_id, specimen_id, modality and alignment."""
    missing = {*IDENTIFIERS, "alignment"} - set(view.tissues.rows.columns)
    if missing:
        yield Violation(view.tissues.place, f"missing: {listed(missing)}")


@rule("V104", needs=["V103"], remedy="Write identifiers as text (astype(str) before writing, leading zeros kept).")
def identifiers_are_text(view: DatasetView) -> Iterator[Violation]:
    """Identifiers and modality are text: numbers lose their leading zeros, and the reader finds nobody by them."""
    for name in IDENTIFIERS:
        if view.tissues.kinds.get(name) is not Kind.TEXT:
            yield Violation(view.tissues.place, f"column {name!r} holds {view.tissues.kinds.get(name)}")


@rule("V105", needs=["V103"], remedy="Fill in the identifiers or drop the rows.")
def identifiers_are_complete(view: DatasetView) -> Iterator[Violation]:
    """Every row of tissues.parquet has a tissue_id, patient_id, specimen_id and modality."""
    for name in IDENTIFIERS:
        yield from broken_rows(view.tissues, view.tissues.rows[name].isna(), f"no {name}")


@rule("V106", needs=["V101"], remedy="Write real nulls (None) for missing values.")
def no_nan_text(view: DatasetView) -> Iterator[Violation]:
    """Missing values of tissues.parquet are real nulls, never the text "nan"."""
    yield from text_equal_to(view.tissues, NAN_TEXTS)


@rule("V107", needs=["V101"], severity=Severity.WARNING, remedy="Write real nulls where a value is missing.")
def no_empty_text(view: DatasetView) -> Iterator[Violation]:
    """Missing values of tissues.parquet are real nulls, not empty text, "None" or "NA"."""
    yield from text_equal_to(view.tissues, EMPTY_TEXTS)


@rule("V108", needs=["V103"], remedy="Keep one row per tissue and modality; separate cores get a specimen_id each.")
def rows_are_unique(view: DatasetView) -> Iterator[Violation]:
    """Each tissue has one row per modality."""
    repeated = view.tissues.rows.duplicated(["tissue_id", "modality"])
    yield from broken_rows(view.tissues, repeated, "repeated tissue and modality")


def _unmatched(table: TableFile, column: str, pattern: re.Pattern[str]) -> Iterator[Violation]:
    wrong = unlike(table.rows[column], lambda text: pattern.fullmatch(text) is not None)
    yield from broken_rows(table, wrong, f"malformed {column}")


@rule("V109", needs=["V103"], remedy="Write pseudonyms of eight letters, as `spora-build convert` makes them.")
def patient_ids(view: DatasetView) -> Iterator[Violation]:
    """A patient_id is exactly eight lower-case letters."""
    yield from _unmatched(view.tissues, "patient_id", PATIENT_ID)


@rule("V110", needs=["V103"], remedy="Number a patient's tissues 0000, 0001, … as text.")
def specimen_ids(view: DatasetView) -> Iterator[Violation]:
    """A specimen_id is exactly four digits, as text."""
    yield from _unmatched(view.tissues, "specimen_id", SPECIMEN_ID)


@rule("V111", needs=["V103"], remedy="Build tissue_id from the other columns: dataset_patientid_specimenid.")
def tissue_ids(view: DatasetView) -> Iterator[Violation]:
    """A tissue_id is dataset_patientid_specimenid of its own row."""
    known = view.tissues.rows[[*IDENTIFIERS[:3]]]
    wrong = [
        known_row and not _is_made_of(*map(str, row))
        for row, known_row in zip(known.itertuples(index=False), known.notna().all(axis=1), strict=True)
    ]
    yield from broken_rows(view.tissues, wrong, "tissue_id is not made of its row")


def _is_made_of(tissue_id: str, patient_id: str, specimen_id: str) -> bool:
    dataset = tissue_id.partition("_")[0]
    return is_dataset_name(dataset) and tissue_id == f"{dataset}_{patient_id}_{specimen_id}"


@rule("V112", needs=["V103"], remedy="Give folder, column dataset and tissue ids the same dataset name.")
def one_dataset_name(view: DatasetView) -> Iterator[Violation]:
    """The folder, the column dataset and the first part of every tissue_id say the same dataset name."""
    name = view.layout.name
    foreign = unlike(view.tissues.rows["tissue_id"], lambda text: text.partition("_")[0] == name)
    yield from broken_rows(view.tissues, foreign, f"tissue_id does not begin with {name}_")
    if "dataset" in view.tissues.rows.columns:
        yield from broken_rows(view.tissues, view.tissues.rows["dataset"].ne(name), f"dataset is not {name}")


@rule("V113", needs=["V101"], severity=Severity.WARNING, remedy="Add a column dataset with the dataset's name.")
def dataset_column(view: DatasetView) -> Iterator[Violation]:
    """tissues.parquet has a column dataset."""
    if "dataset" not in view.tissues.rows.columns:
        yield Violation(view.tissues.place)


@rule(
    "V114",
    needs=["V103"],
    severity=Severity.WARNING,
    remedy="Nothing, where tissues were taken out; otherwise number them 0000, 0001, … within a patient.",
)
def specimens_count_from_zero(view: DatasetView) -> Iterator[Violation]:
    """A patient's specimens are numbered 0000, 0001, … without gaps."""
    tissues = view.tissues.rows[["patient_id", "specimen_id"]].dropna().astype(str).drop_duplicates()
    tissues = tissues[tissues["specimen_id"].str.fullmatch(r"\d{4}")]
    numbers = tissues["specimen_id"].astype(int).groupby(tissues["patient_id"])
    gaps = int((numbers.max() + 1 != numbers.count()).sum())
    if gaps:
        yield Violation(view.tissues.place, f"{gaps} patient(s) with gaps")


@rule("V115", needs=["V103"], remedy="Write he, imc, codex, cycif, mibi or ihc_<MARKER>; case matters.")
def modality_values(view: DatasetView) -> Iterator[Violation]:
    """modality is one of he, imc, codex, cycif, mibi, ihc_<MARKER>, exactly.

    `IMC` silently gives the reader no tissues.
    """
    values = view.tissues.rows["modality"]
    wrong = unlike(values, _is_modality)
    yield from broken_rows(view.tissues, wrong, f"no modality: {listed(set(values[wrong].astype(str)))}")


def _is_modality(text: str) -> bool:
    try:
        Modality(text)
    except ValueError:
        return False
    return True


@rule("V116", needs=["V103"], severity=Severity.NOTE, remedy="Nothing, where a part was left out on purpose.")
def parts_are_present(view: DatasetView) -> Iterator[Violation]:
    """All parts are there, as in a complete download: every modality's images, tissue masks, tiles, standardization."""
    present = {image.modality.name for image in view.images}
    absent = [Modality(name).folder for name in set(view.tissue_modalities["modality"]) - present if _is_modality(name)]
    if present:
        absent += [] if view.tissue_masks else ["segmentations"]
        absent += [] if view.tilings else ["tiling"]
    standardized = {folder.modality for folder in view.standardizations}
    panels = [panel for panel in view.panels if panel.name in present and panel not in standardized]
    absent += [f"{panel.folder}: standardization" for panel in panels]
    for place in sorted(absent):
        yield Violation(place, "not downloaded or not built")


@rule("V117", needs=["V103"], remedy='Write "exact", "no alignment" or null.')
def alignment_values(view: DatasetView) -> Iterator[Violation]:
    """alignment is "exact", "no alignment" or null."""
    values = view.tissues.rows["alignment"]
    yield from broken_rows(view.tissues, values.notna() & ~values.isin(["exact", "no alignment"]), "alignment")


@rule(
    "V118",
    needs=["V103"],
    severity=Severity.WARNING,
    remedy="Leave alignment null in a dataset of one modality; say exact or no alignment in one of several.",
)
def alignment_where_it_means_something(view: DatasetView) -> Iterator[Violation]:
    """alignment is null throughout where there is one modality, and given where there are several."""
    values = view.tissues.rows["alignment"]
    if view.tissues.rows["modality"].dropna().nunique() > 1:
        yield from broken_rows(view.tissues, values.isna(), "null among several modalities")
    else:
        yield from broken_rows(view.tissues, values.notna(), "given for the only modality")


@rule("V119", needs=["V101"], severity=Severity.WARNING, remedy="Write train or test, or drop the column.")
def split_values(view: DatasetView) -> Iterator[Violation]:
    """split is train or test."""
    values = _column(view, "split")
    yield from broken_rows(view.tissues, ~values.isin(["train", "test"]), "neither train nor test")


@rule("V123", needs=["V101"], remedy="Write train and test as text, in lower case.")
def split_spelling(view: DatasetView) -> Iterator[Violation]:
    """split is text, and train and test are spelled so: asked for them, the reader stops at a table with Train."""
    values = _column(view, "split")
    if view.tissues.kinds.get("split") not in (Kind.TEXT, Kind.NULL):
        yield Violation(view.tissues.place, f"column 'split' holds {view.tissues.kinds.get('split')}")
        return
    known = {"train", "test"}
    meant = values.astype("string").str.strip().str.lower().isin(known) & ~values.isin(known)
    yield from broken_rows(view.tissues, meant, "another spelling")


@rule("V120", needs=["V103"], remedy="Give all rows of a patient the same split, or a test set leaks.")
def split_by_patient(view: DatasetView) -> Iterator[Violation]:
    """All tissues of a patient are in the same split, or none of them is in any."""
    splits = _column(view, "split").groupby(view.tissues.rows["patient_id"]).nunique(dropna=False)
    leaks = int((splits > 1).sum())
    if leaks:
        yield Violation(view.tissues.place, f"{leaks} patient(s) in more than one split")


@rule("V121", needs=["V101"], remedy="Write microns per pixel as positive numbers, null where unknown.")
def mpp_column(view: DatasetView) -> Iterator[Violation]:
    """mpp holds positive, finite numbers of microns per pixel."""
    values = _column(view, "mpp")
    if view.tissues.kinds.get("mpp") not in (Kind.FLOAT, Kind.INTEGER, Kind.NULL):
        yield Violation(view.tissues.place, f"column 'mpp' holds {view.tissues.kinds.get('mpp')}")
        return
    numbers = values.astype(float)
    yield from broken_rows(view.tissues, numbers.notna() & ~((numbers > 0) & np.isfinite(numbers)), "mpp")


@rule(
    "V122",
    needs=["V103", "V121"],
    severity=Severity.WARNING,
    remedy="Correct the mpp column, or build the images again without upsampling.",
)
def no_upsampling(view: DatasetView) -> Iterator[Violation]:
    """No image is stored at a finer pixel size than tissues.parquet says it was taken at."""
    rows = view.tissues.rows[["tissue_id", "modality", "mpp"]].dropna()
    taken_at = dict(zip(zip(rows["tissue_id"], rows["modality"], strict=True), rows["mpp"].astype(float), strict=True))
    for image in view.images:
        native = taken_at.get((image.tissue_id, image.modality.name))
        if native is not None and image.mpp < native * 0.999 - 5e-6:
            yield Violation(image.place, f"taken at {native:g}")


def _column(view: DatasetView, name: str) -> pd.Series:
    if name not in view.tissues.rows.columns:
        raise NotApplicableError(f"tissues.parquet has no column {name}")
    return view.tissues.rows[name]
