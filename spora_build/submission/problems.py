"""Every mistake that a raw folder's sheets and settings can hold: its code, what is said, what to do.

``docs/problems.md`` is written from this table (``python -m spora_build.submission.problems``).
"""

from __future__ import annotations

from typing import NamedTuple

from spora_build.errors import Place, Problem
from spora_build.submission.shown_value import may_be_shown


class Entry(NamedTuple):
    """Message and remedy of a code; ``{…}`` is filled in with facts about the case."""

    what: str
    remedy: str


CATALOGUE: dict[str, Entry] = {
    # any table
    "E-SHEET-001": Entry(
        "this is an Excel or OpenDocument workbook, not text.",
        "save it from the spreadsheet program as 'CSV UTF-8' under the name {name}.csv.",
    ),
    "E-SHEET-002": Entry(
        "the file is empty.", "fill it in (`spora-build init --template imc` shows its columns), or delete it."
    ),
    "E-SHEET-003": Entry(
        "the file holds NUL bytes: it is binary, damaged, or UTF-16 without its mark.",
        "save it again as 'CSV UTF-8'.",
    ),
    "E-SHEET-004": Entry(
        "the text is in no encoding that is known here (UTF-8, UTF-16, Windows-1252).", "save it again as 'CSV UTF-8'."
    ),
    "W-SHEET-005": Entry(
        "the text is not UTF-8; read as Windows-1252.",
        "check that letters such as ä, é, µ came out right, or save the file as 'CSV UTF-8'.",
    ),
    "E-SHEET-006": Entry("two columns have the same name.", "rename or delete one of them."),
    "E-SHEET-007": Entry(
        "this row has {cells} cells and the header has {headers}.",
        "look for a missing or extra {delimiter} and put cells that contain one in double quotes.",
    ),
    "E-SHEET-008": Entry(
        "a double quote in this row is never closed, or stands where none may.",
        'close it, or write a quote inside a quoted cell twice ("").',
    ),
    "E-SHEET-009": Entry(
        "the file is larger than {limit} MB: too large for a sheet that a person wrote.",
        "check that the right file has this name; measurements of cells belong into cells.csv or cells.parquet.",
    ),
    "E-SHEET-010": Entry("this sheet is there twice: {files}.", "delete or rename all but one of them."),
    "W-SHEET-011": Entry(
        "a spreadsheet formula failed here ({word}); read as missing.", "repair the formula and save the sheet again."
    ),
    "E-SHEET-012": Entry("column {number} has values but no name.", "give the column a name in row {header_row}."),
    "E-SHEET-013": Entry("there is a header but no row below it.", "add the rows, or delete the file."),
    "E-SHEET-014": Entry("the file cannot be opened ({reason}).", "check that it is a file and that you may read it."),
    "E-SHEET-020": Entry(
        "the file leads out of the raw folder through a symbolic link.", "put the file itself into the raw folder."
    ),
    "E-SHEET-023": Entry(
        "this row is longer than {limit} MB.",
        "check that the right file has this name, and that it was saved with line breaks.",
    ),
    "E-SHEET-022": Entry("the sheet has more than {limit} rows.", "check that the right file has this name."),
    "E-SHEET-021": Entry(
        "the sheet has a row of more than {limit} columns.", "check that the right file has this name."
    ),
    "E-SHEET-015": Entry(
        "this column and column {other!r} both become {name!r} in the dataset.", "rename or delete one of them."
    ),
    "E-SHEET-016": Entry("the name {name!r} means something else in a spora dataset.", "{remedy}"),
    "E-SHEET-017": Entry(
        "the column's name has no letter or digit that a column name may hold.", "rename it with letters a to z."
    ),
    "W-SHEET-018": Entry(
        "no such column is known here, it is kept as metadata; did you mean {known!r}?",
        "rename it to {known!r} if that is what it is.",
    ),
    # tissues.csv
    "E-TISSUE-001": Entry(
        "the raw folder has no tissues.csv.",
        "run `spora-build init` on the folder: it drafts the sheet from the files.",
    ),
    "E-TISSUE-002": Entry(
        "the required column {name!r} is missing.",
        "add it{hint}; `spora-build init --template imc` shows a complete sheet.",
    ),
    "E-TISSUE-003": Entry(
        "{name!r} is empty or says NA (words such as NA, NaN, null and None are read as missing).",
        "fill it in, or delete the row.",
    ),
    "E-TISSUE-004": Entry(
        "the path is absolute or a web address.",
        "write it relative to the raw folder, such as images/core_01.tif.",
    ),
    "E-TISSUE-005": Entry(
        "the path leaves the raw folder with '..'.",
        "move the file into the raw folder, or run spora-build on the folder above.",
    ),
    "E-TISSUE-006": Entry(
        "the path leads out of the raw folder through a symbolic link.",
        "put the file itself into the raw folder, or run spora-build on a folder that holds both.",
    ),
    "E-TISSUE-008": Entry(
        "this is neither a file nor a folder.", "put the image itself there: pipes and devices are not read."
    ),
    "E-TISSUE-007": Entry("there is no such file in the raw folder.", "{suggestion}"),
    "E-TISSUE-009": Entry(
        "the same image is already in row {other}.",
        "delete one of the rows, or tell the acquisitions of a file apart in the column 'series'.",
    ),
    "E-TISSUE-010": Entry(
        "this row names no series of the image, while row {other} does.",
        "write in the column 'series' which acquisition each row means (`spora-build inspect` lists them).",
    ),
    "E-TISSUE-011": Entry(
        "this is no modality of spora.", "write he, imc, codex, cycif, mibi or ihc_<MARKER>{suggestion}."
    ),
    "E-TISSUE-012": Entry(
        "the pixel size is not a number above 0.", "write microns per pixel as a plain number, such as 0.5."
    ),
    "E-TISSUE-013": Entry(
        "a pixel of {mpp:g} µm is larger than any microscope's.",
        "write microns per pixel (nanometres divided by 1000), or leave the cell empty to take the file's own.",
    ),
    "E-TISSUE-014": Entry("a split is train or test.", "write train or test, or leave the column out."),
    "E-TISSUE-015": Entry(
        "an alignment is 'exact' or 'no alignment'.", "write exact or no alignment, or leave the cell empty."
    ),
    "E-TISSUE-016": Entry(
        "this tissue has another patient in row {other}.",
        "give the rows the same patient, or the tissues different names (a tissue name is unique in the whole cohort).",
    ),
    "E-TISSUE-017": Entry(
        "row {other} is already the {modality} image of this tissue.",
        "give separate tissues separate names: only registered images of different modalities share one.",
    ),
    "E-TISSUE-018": Entry(
        "this patient has another split in row {other}.",
        "write the same split in every row of a patient, or patients leak from train into test.",
    ),
    "E-TISSUE-019": Entry(
        "this biopsy has another patient in row {other}.",
        "give the rows the same patient, or the biopsies different names (biopsy_1a, biopsy_2a).",
    ),
    "E-TISSUE-020": Entry("this tissue has another biopsy in row {other}.", "write the same biopsy in both rows."),
    "E-TISSUE-021": Entry(
        "'no alignment' contradicts that row {other} names the same tissue: a shared tissue is a registered one.",
        "write exact if the images are registered, else give the rows different tissue names.",
    ),
    "E-TISSUE-022": Entry(
        "row {other} names another file as {name!r} of the same tissue.",
        "registered images share their masks: keep one of the two and leave the other cell empty.",
    ),
    "W-TISSUE-023": Entry(
        "the same mask is also that of another tissue (row {other}).", "check that the paths are not mixed up."
    ),
    "W-TISSUE-024": Entry(
        "these patient ids are spelt almost alike and count as different patients: {rows}.",
        "if they are one patient, spell the id the same in all these rows.",
    ),
    "W-TISSUE-025": Entry(
        "this patient id looks as if a spreadsheet had rewritten it (as a power of ten or a date).",
        "format the column as text in the spreadsheet, enter the ids again and save.",
    ),
    "E-TISSUE-026": Entry(
        "a series is the name of an acquisition, or its position counted from 0; it cannot be negative.",
        "see `spora-build inspect` for the acquisitions of the file.",
    ),
    # panel_<modality>.csv
    "E-PANEL-001": Entry(
        "the file's name names no modality.",
        "rename it to panel_imc.csv, panel_codex.csv, panel_cycif.csv or panel_mibi.csv.",
    ),
    "E-PANEL-002": Entry(
        "{modality} is brightfield: its channels are red, green and blue, there is no panel.", "delete the file."
    ),
    "E-PANEL-003": Entry("the required column {name!r} is missing.", "add it{hint}."),
    "E-PANEL-004": Entry("a channel that is kept has no marker.", "name the marker, or write keep = no in this row."),
    "E-PANEL-005": Entry(
        "this marker is already in row {other}.",
        "number them (DAPI_1, DAPI_2), or write keep = no in all but one of the rows.",
    ),
    "E-PANEL-006": Entry(
        "this marker differs from that in row {other} only in upper and lower case.",
        "spell them alike if they are one marker, else rename one.",
    ),
    "E-PANEL-007": Entry(
        "a marker name cannot hold {characters}.",
        "rename it; two antibodies on one channel are joined with '+' (CD31+vWF).",
    ),
    "E-PANEL-008": Entry("this channel is already in row {other}.", "delete one of the rows."),
    "E-PANEL-009": Entry(
        "this row names no channel, while others do.",
        "write the channel as the file names it, or empty the whole column to count in the file's order.",
    ),
    "E-PANEL-010": Entry(
        "this is no UniProt accession.",
        "write one accession such as P01730 (not an entry name like CD4_HUMAN, nor a list), or leave the cell empty.",
    ),
    "E-PANEL-011": Entry("this is neither yes nor no.", "write true or false."),
    "E-PANEL-012": Entry(
        "a spreadsheet has turned this marker into a date.",
        "format the column as text and write the gene's name again (SEPTIN9, MARCHF1).",
    ),
    "E-PANEL-013": Entry(
        "nothing says which modality this panel belongs to.",
        "rename it to panel_<modality>.csv, such as panel_imc.csv.",
    ),
    "W-PANEL-014": Entry(
        "tissues.csv has no {modality} image, the panel is not used.", "check the file's name, or delete it."
    ),
    "N-PANEL-015": Entry(
        "{other} is there too, this file is not used.", "nothing needs doing if {other} is the one you mean."
    ),
    "E-PANEL-016": Entry("no channel is kept.", "write keep = yes for the channels to convert."),
    "E-PANEL-017": Entry("the name {name!r} means something else in a spora dataset.", "rename the marker."),
    # clinical.csv
    "E-CLIN-001": Entry(
        "no column says whom a row is about.", "name that column patient, tissue or image, as in tissues.csv{hint}."
    ),
    "E-CLIN-002": Entry("{name!r} is empty or says NA.", "fill it in, or delete the row."),
    "E-CLIN-003": Entry(
        "row {other} is about the same {name} and differs in: {columns}.",
        "keep one row per {name}, or give the table a column tissue or image if it has several rows per patient.",
    ),
    "W-CLIN-004": Entry(
        "row {other} is about the same {name} and says nothing else; the two are merged.", "delete one of them."
    ),
    "W-CLIN-005": Entry(
        "{count} of {total} {name} values in tissues.csv have no row here: {rows} of tissues.csv.",
        "add the rows if the data exist; these images get empty clinical columns.",
    ),
    "W-CLIN-006": Entry(
        "{count} of {total} rows match nothing in tissues.csv: {rows}.{near}",
        "correct their {name} if an image is meant; otherwise they are left out.",
    ),
    "E-CLIN-007": Entry(
        "not one row matches tissues.csv by {name}.{near}",
        "spell {name} the same in both sheets (leading zeros, dashes and letter case count).",
    ),
    "E-CLIN-008": Entry(
        "tissues.csv has this column too, with other values.", "delete it from one of the two, or rename one."
    ),
    "W-CLIN-009": Entry(
        "the table is joined by {name}; this column is left out.", "delete the column if it is not needed."
    ),
    "W-CLIN-010": Entry("there is no column besides {name!r}.", "add the clinical columns, or delete the file."),
    # cells.csv, cells.parquet
    "E-CELL-001": Entry(
        "no column says which image a cell lies in.", "name that column image or tissue, as in tissues.csv{hint}."
    ),
    "E-CELL-002": Entry("the column 'cell_id' is missing.", "add it: the cell's label in the cell mask{hint}."),
    "E-CELL-003": Entry("{name!r} is empty or says NA.", "fill it in, or delete the row."),
    "E-CELL-004": Entry(
        "a cell_id is a whole number from 1 to 4294967295: the cell's label in the mask.", "correct or delete the row."
    ),
    "E-CELL-005": Entry(
        "row {other} has the same cell of the same {name}.", "keep one row per cell, with every annotation as a column."
    ),
    "W-CELL-006": Entry(
        "{count} of {total} cells lie in {values} {name} values that tissues.csv does not have.",
        "correct their {name} if an image is meant; otherwise these cells are left out.",
    ),
    "E-CELL-007": Entry(
        "not one cell matches tissues.csv by {name}.", "write {name} exactly as in tissues.csv, such as {example}."
    ),
    "E-CELL-008": Entry(
        "the image has several acquisitions in tissues.csv, so its name alone does not say where a cell lies.",
        "add a column tissue to tissues.csv and name cells by tissue instead of image.",
    ),
    "E-CELL-009": Entry("the file is no readable Parquet table.", "write it again, or save the table as cells.csv."),
    "W-CELL-010": Entry(
        "{count} images with a cell mask have no cell here: {rows} of tissues.csv.",
        "add their cells if they are annotated; otherwise nothing needs doing.",
    ),
    "E-CELL-011": Entry(
        "the column's type ({type}) cannot be written as text.", "turn it into text or numbers, or leave it out."
    ),
    "E-CELL-012": Entry(
        "no table below the raw folder matches this.",
        "write a path or pattern relative to the raw folder, such as quantification/*.csv; tables are .csv, .tsv, .txt,"
        " .parquet or .h5ad files.",
    ),
    "E-CELL-013": Entry(
        "this file names cells by tissue and others by image.", "use one of the two columns in all files."
    ),
    "E-CELL-014": Entry("the file is no readable AnnData.", "write it again, or save its obs as cells.csv."),
    # spora.toml
    "E-SET-001": Entry("this is no valid TOML: {reason}.", "correct the line (text stands in double quotes)."),
    "E-SET-002": Entry("there is no such setting.", "{suggestion}"),
    "E-SET-003": Entry("the value is {found}, not {expected}.", "write {expected}, such as {example}."),
    "E-SET-004": Entry("the value is out of range.", "write {expected}."),
    "E-SET-005": Entry("there is no such choice.", "write one of {choices}."),
    "E-SET-006": Entry(
        "this is no name of a spora dataset.",
        "write lastnameyearfirsttitleword in lower case, such as smith2023novel.",
    ),
    "E-SET-007": Entry(
        "a column is named as table.column.",
        'write "clinical.age" = …, with the table clinical, tissues or cells before the dot.',
    ),
    "E-SET-008": Entry(
        "this is no way of treating a column.",
        'write "drop", {{ cap = 89 }}, {{ bin = [0, 40, 60] }}, {{ days_since = "column" }}, {{ hash = true }} '
        'or {{ allow = "your name", on = 2026-01-31 }}.',
    ),
    "E-SET-009": Entry("the file is not UTF-8 text.", "save it as UTF-8 in a text editor."),
    "E-SET-010": Entry(
        "{name!r} is no modality of spora.", "write imc, codex, cycif, mibi, he or ihc_<MARKER> before the equals sign."
    ),
    "W-SET-011": Entry("no table has the column {name!r}.", "{suggestion}"),
}


def problem(
    code: str,
    file: str | None = None,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
    **facts: object,
) -> Problem:
    """The problem of a code at a place, its message filled in.

    ``value`` never comes from a column of identifiers, and is shown only where it can be nobody's: see
    :func:`~spora_build.submission.shown_value.may_be_shown`.
    """
    entry = CATALOGUE[code]
    shown = value if value is None or may_be_shown(value, file, column) else None
    return Problem(code, entry.what.format(**facts), entry.remedy.format(**facts), Place(file, row, column, shown))


ROWS_SHOWN = 8


def rows_text(rows: list[int]) -> str:
    """``row 4``, ``rows 4, 7`` or ``rows 4, 7, 9 and 20 more``."""
    shown = ", ".join(str(row) for row in rows[:ROWS_SHOWN])
    more = f" and {len(rows) - ROWS_SHOWN} more" if len(rows) > ROWS_SHOWN else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more}"


def catalogue_markdown() -> str:
    """The page ``docs/problems.md``."""
    lines = [
        "# Problems with sheets and settings",
        "",
        "Written from `spora_build/submission/problems.py`. E: an error, nothing is built; W: a warning; N: a note.",
        "Words in braces are filled in with the case at hand. Sheets and columns: [sheets.md](sheets.md).",
        "",
        "| code | what | what to do |",
        "|---|---|---|",
    ]
    for code, entry in CATALOGUE.items():
        remedy = entry.remedy.replace("{{", "{").replace("}}", "}").replace("|", "\\|")
        lines.append(f"| `{code}` | {entry.what} | {remedy} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(catalogue_markdown(), end="")  # noqa: T201
