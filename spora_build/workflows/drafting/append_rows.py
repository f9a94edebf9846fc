"""A sheet that is written once, and later only gets rows at its end."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, Problem, Severity
from spora_build.store.atomic import write_beside
from spora_build.submission.columns import fold
from spora_build.submission.encoding import find_encoding
from spora_build.submission.sheet import Sheet, read_sheet, sniff_delimiter


def write_sheet(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a new sheet. Raises FileExistsError where there is one."""
    text = io.StringIO(newline="")
    _write(text, columns, [[row.get(column, "") for column in columns] for row in rows], ",", header=True)
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def read_readable_sheet(path: Path, root: Path) -> Sheet:
    """A sheet of which every row can be read; it may have none. Raises InvalidDataError for any other."""
    sheet = read_sheet(path, root)
    errors = [p for p in sheet.problems if p.severity is Severity.ERROR and p.code != "E-SHEET-013"]
    if errors:
        raise InvalidDataError(errors)
    return sheet


def append_rows(path: Path, root: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Add rows below those of an existing sheet, in its own columns, delimiter and encoding.

    What stands there stays as it is, byte for byte; values for columns that the sheet does not have are left out.
    Raises InvalidDataError where the sheet cannot be read as a table.
    """
    sheet = read_readable_sheet(path, root)
    encoding, _ = find_encoding(path)
    old = path.read_bytes()
    text = old.decode(encoding)
    delimiter, body, _ = sniff_delimiter(text)
    header = next(record for record in csv.reader(io.StringIO(body, newline=""), delimiter=delimiter) if any(record))
    by_fold = [{fold(name): value for name, value in row.items()} for row in rows]
    cells = [[row.get(fold(name), "") for name in header] for row in by_fold]
    new = io.StringIO(newline="")
    ending = "\r\n" if "\r\n" in text else "\n"
    _write(new, header, cells, delimiter, header=False, ending=ending)
    separator = "" if text.endswith(("\n", "\r")) else ending
    plain = {"utf-8-sig": "utf-8", "utf-16": "utf-16-be" if old.startswith(b"\xfe\xff") else "utf-16-le"}.get(
        encoding, encoding
    )
    try:
        added = (separator + new.getvalue()).encode(plain)
    except UnicodeEncodeError as error:
        raise InvalidDataError(
            Problem(
                "E-INIT-001",
                f"names of new files hold letters that the sheet's encoding ({encoding}) has not.",
                "save the sheet as 'CSV UTF-8' and run `spora-build init` again.",
                Place(file=sheet.file),
            )
        ) from error
    with write_beside(path) as temporary:
        temporary.write_bytes(old + added)


def _write(
    text: io.StringIO,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    delimiter: str,
    *,
    header: bool,
    ending: str = "\n",
) -> None:
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending)
    if header:
        writer.writerow(columns)
    writer.writerows(rows)
