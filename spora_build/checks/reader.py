"""What spora-io leaves out without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.broken_rows import listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.view import DatasetView, Standardization
from spora_build.errors import Severity

READABLE_UNIPROT = re.compile(r"^[OPQ][0-9][A-Z0-9]{3}[0-9](?:-[0-9]+)?$")
"""The accessions that spora-io keeps in its default kind ``uniprot_filtered``."""


@rule("V901", needs=["V306"], severity=Severity.WARNING, remedy='Load with kind="qc_filtered" to keep the channel.')
def accessions_that_are_dropped(view: DatasetView) -> Iterator[Violation]:
    """The reader keeps only accessions that begin with O, P or Q; it silently drops channels with another form."""
    for modality in view.panels:
        table = view.channels(modality)
        dropped = {text for text in table.text("uniprot_id") if text and not READABLE_UNIPROT.match(text)}
        if dropped:
            yield Violation(table.place, listed(dropped))


@rule(
    "V902",
    needs=["V306", "V304", "V323", "V324"],
    severity=Severity.WARNING,
    remedy="Give the channels of these tissues UniProt accessions, or qc_pass true.",
)
def tissues_with_nothing_to_load(view: DatasetView) -> Iterator[Violation]:
    """Every multiplex tissue has at least one channel that passes and has an accession, or the reader loads none."""
    for modality in view.panels:
        rows = view.channels(modality).rows
        kept = rows["uniprot_id"].fillna("").astype(str).map(lambda text: bool(READABLE_UNIPROT.match(text)))
        usable = set(rows.loc[kept & rows["qc_pass"].astype(bool), "channel_name"].astype(str))
        empty = [tissue for tissue, names in view.measured(modality).items() if names and not usable & set(names)]
        if empty:
            yield Violation(view.channels_per_tissue(modality).place, listed(empty))


@rule(
    "V903",
    needs=["V707", "V708", "V709"],
    severity=Severity.WARNING,
    remedy="Nothing where the channel is empty there; set qc_pass to false if it is empty everywhere.",
)
def quantiles_of_zero(view: DatasetView) -> Iterator[Violation]:
    """Upper quantiles of passing channels are above 0: the reader drops a channel of a tissue where it is not."""
    if not view.standardizations:
        raise NotApplicableError("there are no standardization tables")
    for folder in view.standardizations:
        table = folder.tables.get("image_level_upper_quantiles")
        if table is not None:
            zero = (table.rows <= 0).any() & _passing(view, folder, table.rows.columns)
            if zero.any():
                yield Violation(table.place, listed(table.rows.columns[zero].tolist()))


@rule("V904", needs=["V707", "V708", "V710"], severity=Severity.WARNING, remedy="Set qc_pass to false for the channel.")
def stds_of_zero(view: DatasetView) -> Iterator[Violation]:
    """Global stds of passing channels are above 0: the reader drops a channel everywhere where it is not."""
    if not view.standardizations:
        raise NotApplicableError("there are no standardization tables")
    for folder in view.standardizations:
        table = folder.tables.get("global_level_stds")
        if table is not None:
            zero = np.asarray((table.rows == 0).any()) & _passing(view, folder, table.rows.columns)
            if zero.any():
                yield Violation(table.place, listed(table.rows.columns[zero].tolist()))


def _passing(view: DatasetView, folder: Standardization, names: Iterable[object]) -> NDArray[np.bool_]:
    """Which of these channels pass quality control, as far as channels.parquet says."""
    table = view.channels(folder.modality).rows
    failed: set[str] = set()
    if {"channel_name", "qc_pass"} <= set(table.columns):
        rows = zip(table["channel_name"], table["qc_pass"], strict=True)
        failed = {str(name) for name, passes in rows if not bool(passes)}
    return np.array([str(name) not in failed for name in names], dtype=bool)
