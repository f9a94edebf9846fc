"""Standardization tables of the multiplex modalities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from spora_build.checks.broken_rows import broken_rows, listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.recipes import METHODS, is_global
from spora_build.checks.table_file import Kind, TableFile
from spora_build.checks.view import DatasetView, Standardization
from spora_build.errors import Severity

TABLES = {f"image_level_{n}" for n in ("upper_quantiles", "lower_quantiles", "means", "stds")} | {
    f"global_level_{n}" for n in ("upper_quantiles", "lower_quantiles", "means", "stds")
}


def _folders(view: DatasetView) -> list[Standardization]:
    if not view.standardizations:
        raise NotApplicableError("there are no standardization tables")
    return view.standardizations


def _tables(view: DatasetView, start: str = "") -> Iterator[tuple[Standardization, str, TableFile]]:
    for folder in _folders(view):
        for name, table in sorted(folder.tables.items()):
            if name in TABLES and name.startswith(start):
                yield folder, name, table


@rule("V701", severity=Severity.WARNING, remedy="Nothing, where it is a standardization of your own.")
def known_methods(view: DatasetView) -> Iterator[Violation]:
    """Methods are quantile_clipping and quantile_clipping_log1p: the reader knows no others."""
    for place in sorted({folder.place.rpartition("/")[0] for folder in _folders(view)}):
        if place.rpartition("/")[2] not in METHODS:
            yield Violation(place)


@rule("V702", severity=Severity.WARNING, remedy="Run `spora-build stats`, which writes both names.")
def baseline_specs(view: DatasetView) -> Iterator[Violation]:
    """Both methods have their baseline folder under both its names, uq_0.99 and uq_0.99_image."""
    present = {(f.modality, f.mpp, f.method, f.spec) for f in _folders(view)}
    for modality in view.panels:
        for mpp in sorted({image.mpp for image in view.images_of(modality)}):
            for method in METHODS:
                for spec in ("uq_0.99", "uq_0.99_image"):
                    if (modality, mpp, method, spec) not in present:
                        yield Violation(view.place(view.layout.standardization(modality, mpp, method, spec)), "missing")


@rule("V703", remedy="Run `spora-build stats` again.")
def both_names_agree(view: DatasetView) -> Iterator[Violation]:
    """Folders uq_<level> and uq_<level>_image hold the same files with the same bytes."""
    by_place = {folder.place: folder for folder in _folders(view)}
    for place, folder in sorted(by_place.items()):
        twin = by_place.get(f"{place}_image")
        if twin is not None and _bytes(folder) != _bytes(twin):
            yield Violation(place, "differs from its _image twin")


def _bytes(folder: Standardization) -> dict[str, bytes]:
    return {name: table.path.read_bytes() for name, table in folder.tables.items()}


@rule("V704", remedy="Run `spora-build stats` again.")
def required_tables(view: DatasetView) -> Iterator[Violation]:
    """A folder has upper quantiles, means and stds: image_level_upper_quantiles, global_level_means, global_level_stds.

    In a folder of global quantiles it is global_level_upper_quantiles.
    """
    for folder in _folders(view):
        level = "global" if is_global(folder) else "image"
        missing = {f"{level}_level_upper_quantiles", "global_level_means", "global_level_stds"} - folder.tables.keys()
        if missing:
            yield Violation(folder.place, f"missing: {listed(missing)}")


@rule("V705", remedy="Run `spora-build stats` again.")
def tables_are_readable(view: DatasetView) -> Iterator[Violation]:
    """Standardization tables are readable parquet files."""
    for _, _, table in _tables(view):
        if table.frame is None:
            yield Violation(table.place, "damaged")


@rule("V706", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def known_tables(view: DatasetView) -> Iterator[Violation]:
    """Standardization folders hold no files but those of the format."""
    for folder in _folders(view):
        for entry in view.entries(view.root / folder.place):
            if entry.name.removesuffix(".parquet") not in TABLES or entry.suffix != ".parquet":
                yield Violation(view.place(entry))


@rule("V707", needs=["V303", "V705"], remedy="Run `spora-build stats` again.")
def one_column_per_channel(view: DatasetView) -> Iterator[Violation]:
    """Standardization tables have a column per channel, in the order of channels.parquet."""
    for folder, _, table in _tables(view):
        names = list(view.channels(folder.modality).text("channel_name"))
        columns = [str(name) for name in table.rows.columns]
        if columns != names:
            difference = set(columns) ^ set(names)
            yield Violation(table.place, listed(difference) if difference else "another order")


@rule("V708", needs=["V705"], remedy="Write the columns as floats, where all are NaN too.")
def float_columns(view: DatasetView) -> Iterator[Violation]:
    """Columns of standardization tables are floats."""
    for _, _, table in _tables(view):
        odd = [name for name in table.rows.columns if table.kinds[name] is not Kind.FLOAT]
        if odd:
            yield Violation(table.place, listed(odd))


@rule("V709", needs=["V705"], remedy="Write image-level tables with an index tissue_id.")
def image_level_index(view: DatasetView) -> Iterator[Violation]:
    """Image-level tables have an index tissue_id, each tissue once."""
    for _, _, table in _tables(view, "image_level"):
        if table.rows.index.name != "tissue_id" or table.rows.index.has_duplicates:
            yield Violation(table.place)


@rule("V710", needs=["V705"], remedy="Write global tables with one row.")
def global_tables_have_one_row(view: DatasetView) -> Iterator[Violation]:
    """Global tables have exactly one row."""
    for _, _, table in _tables(view, "global_level"):
        if len(table.rows) != 1:
            yield Violation(table.place, f"{len(table.rows)} rows")


@rule("V711", needs=["V103", "V709"], remedy="Run `spora-build stats` again.")
def image_level_rows(view: DatasetView) -> Iterator[Violation]:
    """Image-level tables have a row for every image at their pixel size, and for tissues of their modality only."""
    for folder, _, table in _tables(view, "image_level"):
        rows = set(table.rows.index.astype(str))
        images = {i.tissue_id for i in view.images_of(folder.modality) if i.mpp == folder.mpp}
        if images - rows:
            yield Violation(table.place, f"missing: {listed(images - rows)}")
        unknown = len(rows - view.tissues_of(folder.modality))
        if unknown:
            yield Violation(table.place, f"{unknown} unknown tissue(s)")


@rule("V712", needs=["V323", "V324", "V707", "V708", "V709"], remedy="Run `spora-build stats` again.")
def measured_channels_have_numbers(view: DatasetView) -> Iterator[Violation]:
    """Image-level tables are finite where a tissue has the channel, unless its tissue mask is empty."""
    for folder, _, table in _tables(view, "image_level"):
        measured = _measured(view, folder, table)
        missing = (measured & ~np.isfinite(table.rows.astype(float))).any(axis=1)
        for tissue in sorted(str(name) for name in table.rows.index[missing]):
            if not _has_no_tissue(view, tissue, folder.mpp):
                yield Violation(table.place, tissue)


@rule("V713", needs=["V323", "V324", "V707", "V708", "V709"], remedy="Run `spora-build stats` again.")
def lacking_channels_have_none(view: DatasetView) -> Iterator[Violation]:
    """Image-level tables are NaN where a tissue lacks the channel."""
    for folder, _, table in _tables(view, "image_level"):
        known = table.rows.index.isin(view.channels_per_tissue(folder.modality).rows.index)
        wrong = (~_measured(view, folder, table) & table.rows.notna()).any(axis=1) & known
        yield from broken_rows(table, wrong, "a number for a channel that the tissue lacks")


def _measured(view: DatasetView, folder: Standardization, table: TableFile) -> pd.DataFrame:
    """Which tissue of the table has which of its channels."""
    matrix = view.channels_per_tissue(folder.modality).rows
    return matrix.reindex(index=table.rows.index, columns=table.rows.columns, fill_value=False).astype(bool)


def _has_no_tissue(view: DatasetView, tissue: str, mpp: float) -> bool:
    mask = view.tissue_masks.get((tissue, mpp))
    pixels = mask.read() if mask is not None else None
    return pixels is not None and not pixels.any()


@rule("V714", needs=["V323", "V324", "V707", "V708", "V710"], remedy="Run `spora-build stats` again.")
def global_values(view: DatasetView) -> Iterator[Violation]:
    """Global means and stds are finite for channels that a tissue there has, NaN for others; no std is negative."""
    for folder, name, table in _tables(view, "global_level"):
        values = table.rows.iloc[0].astype(float)
        here = {image.tissue_id for image in view.images_of(folder.modality) if image.mpp == folder.mpp}
        measured = {t: set(names) for t, names in view.measured(folder.modality).items() if t in here}
        having = {str(c): [t for t, names in measured.items() if str(c) in names] for c in values.index}
        wrong = [c for c in values.index if np.isfinite(values[c]) and not having[str(c)]]
        wrong += [
            c
            for c in values.index
            if not np.isfinite(values[c]) and not all(_has_no_tissue(view, t, folder.mpp) for t in having[str(c)])
        ]
        wrong += [c for c in table.rows.columns if name.endswith("stds") and values[c] < 0]
        if wrong and measured:
            yield Violation(table.place, listed(wrong))


@rule("V715", needs=["V705", "V707", "V708", "V709"], remedy="Run `spora-build stats` again.")
def quantiles_are_ordered(view: DatasetView) -> Iterator[Violation]:
    """No lower quantile lies above its upper one."""
    for folder, name, table in _tables(view):
        upper = folder.tables.get(name.replace("_lower_", "_upper_"))
        if name.endswith("lower_quantiles") and upper is not None:
            aligned = upper.rows.reindex(table.rows.index) if len(table.rows) > 1 else upper.rows
            yield from broken_rows(table, (table.rows.to_numpy() > aligned.to_numpy()).any(axis=1), "lower > upper")
