"""``channels.parquet`` and ``channels_per_tissue.parquet`` of the multiplex modalities."""

from __future__ import annotations

import re
from collections.abc import Iterator

from spora_build.checks.broken_rows import broken_rows, listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.table_file import Kind, TableFile
from spora_build.checks.tissues_table import NAN_TEXTS
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity
from spora_build.model.modality import Modality

UNIPROT = re.compile(r"^(?:[OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9](?:[A-Z][A-Z0-9]{2}[0-9]){1,2})(?:-[0-9]+)?$")
"""UniProt's own pattern of an accession (www.uniprot.org/help/accession_numbers), isoforms added."""
NUCLEAR_STAIN = re.compile(
    r"^(dapi|hoechst.*|draq-?[57]|iridium|dna-?[0-9]*|ir-?19[13]|19[13]ir|(histone[ _-]?)?h3)$", re.I
)


def _tables(view: DatasetView) -> list[tuple[Modality, TableFile]]:
    return [(modality, view.channels(modality)) for modality in _panels(view)]


def _matrices(view: DatasetView) -> list[tuple[Modality, TableFile]]:
    return [(modality, view.channels_per_tissue(modality)) for modality in _panels(view)]


def _panels(view: DatasetView) -> list[Modality]:
    if not view.panels:
        raise NotApplicableError("there is no multiplex modality")
    return view.panels


@rule("V301", remedy="Run `spora-build convert` again, or write the table: one row per channel of the cohort.")
def channels_table(view: DatasetView) -> Iterator[Violation]:
    """Every multiplex modality has a readable channels.parquet with at least one row."""
    for _, table in _tables(view):
        if table.frame is None:
            yield Violation(table.place, "damaged" if table.exists else "missing")
        elif table.frame.empty:
            yield Violation(table.place, "no rows")


@rule("V302", needs=["V301"], remedy="Add the columns; channel_name is a column, not the index.")
def channels_columns(view: DatasetView) -> Iterator[Violation]:
    """channels.parquet has the columns channel_name, qc_pass, uniprot_id and is_nuclear_marker."""
    for _, table in _tables(view):
        missing = {"channel_name", "qc_pass", "uniprot_id", "is_nuclear_marker"} - set(table.rows.columns)
        if missing:
            yield Violation(table.place, f"missing: {listed(missing)}")


@rule("V303", needs=["V302"], remedy="Name every channel, each name once.")
def channel_names(view: DatasetView) -> Iterator[Violation]:
    """Channel names are text, complete and unique."""
    for _, table in _tables(view):
        names = table.rows["channel_name"]
        if table.kinds["channel_name"] is not Kind.TEXT:
            yield Violation(table.place, f"channel_name holds {table.kinds['channel_name']}")
        blank = names.astype(str).str.strip().isin({"", *NAN_TEXTS})
        yield from broken_rows(table, names.isna() | blank, "no channel_name")
        repeated = names[names.duplicated() & names.notna()]
        if len(repeated):
            yield Violation(table.place, f"repeated: {listed(set(repeated))}")


@rule("V304", needs=["V302"], remedy="Write true or false, as booleans, in every row.")
def channel_flags(view: DatasetView) -> Iterator[Violation]:
    """qc_pass and is_nuclear_marker are real booleans without nulls."""
    for _, table in _tables(view):
        for name in ("qc_pass", "is_nuclear_marker"):
            if table.kinds[name] is not Kind.BOOL:
                yield Violation(table.place, f"column {name!r} holds {table.kinds[name]}")
            else:
                yield from broken_rows(table, table.rows[name].isna(), f"no {name}")


@rule("V305", needs=["V302"], remedy="Write uniprot_id as text, empty where there is none.")
def uniprot_column(view: DatasetView) -> Iterator[Violation]:
    """uniprot_id is a column of text even when no channel has one."""
    for _, table in _tables(view):
        if table.kinds["uniprot_id"] is not Kind.TEXT:
            yield Violation(table.place, f"column 'uniprot_id' holds {table.kinds['uniprot_id']}")


@rule("V306", needs=["V305"], remedy="Correct the accession, or leave it empty.")
def uniprot_ids(view: DatasetView) -> Iterator[Violation]:
    """A uniprot_id is a UniProt accession, perhaps with an isoform (P08575-4), or empty."""
    for _, table in _tables(view):
        wrong = {text for text in table.text("uniprot_id") if text and not UNIPROT.match(text)}
        if wrong:
            yield Violation(table.place, listed(wrong))


@rule(
    "V307", needs=["V304"], severity=Severity.WARNING, remedy="Set is_nuclear_marker where the channel stains nuclei."
)
def nuclear_markers(view: DatasetView) -> Iterator[Violation]:
    """Stains of the nucleus (DAPI, Hoechst, DRAQ5, Iridium, DNA, Histone H3) have is_nuclear_marker true."""
    for _, table in _tables(view):
        rows = table.rows[["channel_name", "is_nuclear_marker"]].dropna()
        pairs = zip(rows["channel_name"].astype(str), rows["is_nuclear_marker"], strict=True)
        wrong = {name for name, nuclear in pairs if NUCLEAR_STAIN.match(name) and not nuclear}
        if wrong:
            yield Violation(table.place, listed(wrong))


@rule("V308", needs=["V303"], severity=Severity.WARNING, remedy="Use the HUGO symbol, such as PDCD1 for PD-1.")
def hugo_names(view: DatasetView) -> Iterator[Violation]:
    """A channel with a UniProt accession is named by its HUGO symbol."""
    if view.is_gene_symbol is None:
        raise NotApplicableError("no table of gene symbols was given")
    for _, table in _tables(view):
        rows = table.rows[["channel_name", "uniprot_id"]].dropna().astype(str)
        names = rows.loc[rows["uniprot_id"] != "", "channel_name"]
        odd = {name for name in names if not view.is_gene_symbol(name)}
        if odd:
            yield Violation(table.place, listed(odd, limit=10))


@rule("V309", needs=["V303"], severity=Severity.WARNING, remedy="Rename the channel without spaces around it.")
def channel_names_are_clean(view: DatasetView) -> Iterator[Violation]:
    """Channel names have no outer spaces, control characters or slashes."""
    for _, table in _tables(view):
        odd = {n for n in table.text("channel_name") if n != n.strip() or "/" in n or not n.isprintable()}
        if odd:
            yield Violation(table.place, listed([repr(name) for name in odd]))


@rule("V310", needs=["V302"], severity=Severity.WARNING, remedy="Write the table with index=False.")
def channels_index(view: DatasetView) -> Iterator[Violation]:
    """channels.parquet has the default index."""
    for _, table in _tables(view):
        if table.rows.index.name is not None or list(table.rows.index) != list(range(len(table.rows))):
            yield Violation(table.place)


@rule("V321", remedy="Write the matrix of tissues by channels; without it the reader takes every channel as measured.")
def channels_per_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every multiplex modality has a readable channels_per_tissue.parquet."""
    for _, table in _matrices(view):
        if table.frame is None:
            yield Violation(table.place, "damaged" if table.exists else "missing")


@rule("V322", needs=["V321"], remedy='Write it with table.set_index("tissue_id").')
def matrix_index(view: DatasetView) -> Iterator[Violation]:
    """channels_per_tissue.parquet has an index named tissue_id, each tissue once."""
    for _, table in _matrices(view):
        if table.rows.index.name != "tissue_id":
            yield Violation(table.place, "the index is not tissue_id")
        else:
            yield from broken_rows(table, table.rows.index.duplicated(), "repeated tissue")


@rule("V323", needs=["V303", "V322"], remedy="Give it one column per row of channels.parquet, in that order.")
def matrix_columns(view: DatasetView) -> Iterator[Violation]:
    """channels_per_tissue.parquet has the channels of channels.parquet as columns, in the same order.

    The reader pairs them by position.
    """
    for modality, table in _matrices(view):
        names = list(view.channels(modality).text("channel_name"))
        columns = [str(name) for name in table.rows.columns]
        if columns != names:
            difference = set(columns) ^ set(names)
            yield Violation(table.place, listed(difference) if difference else "another order")


@rule("V324", needs=["V322"], remedy="Write booleans without nulls.")
def matrix_types(view: DatasetView) -> Iterator[Violation]:
    """Columns of channels_per_tissue.parquet are real booleans without nulls."""
    for _, table in _matrices(view):
        odd = [c for c in table.rows.columns if table.kinds[c] is not Kind.BOOL or table.rows[c].isna().any()]
        if odd:
            yield Violation(table.place, listed(odd))


@rule("V325", needs=["V103", "V322"], remedy="Add a row for each tissue of the modality.")
def matrix_has_every_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every tissue of a multiplex modality has a row in channels_per_tissue.parquet."""
    for modality, table in _matrices(view):
        missing = view.tissues_of(modality) - set(table.rows.index.astype(str))
        if missing:
            yield Violation(table.place, f"missing: {listed(missing)}")


@rule("V326", needs=["V103", "V322"], remedy="Drop the rows, or add the tissues to tissues.parquet.")
def matrix_has_only_tissues(view: DatasetView) -> Iterator[Violation]:
    """channels_per_tissue.parquet has rows for tissues of its modality only."""
    for modality, table in _matrices(view):
        unknown = ~table.rows.index.astype(str).isin(view.tissues_of(modality))
        yield from broken_rows(table, unknown, "unknown tissue")


@rule("V327", needs=["V324"], remedy="Set the channels that were measured, or take the tissue out.")
def tissues_have_channels(view: DatasetView) -> Iterator[Violation]:
    """Every tissue of a multiplex modality has at least one channel."""
    for _, table in _matrices(view):
        yield from broken_rows(table, ~table.rows.any(axis=1).astype(bool), "no channel")


@rule("V328", needs=["V324"], severity=Severity.WARNING, remedy="Drop the channel from both tables.")
def channels_have_tissues(view: DatasetView) -> Iterator[Violation]:
    """Every channel is measured in at least one tissue."""
    for _, table in _matrices(view):
        unused = [str(name) for name in table.rows.columns if not table.rows[name].any()]
        if unused:
            yield Violation(table.place, listed(unused))
