"""Which text encoding a file is in, found by reading it once in pieces."""

from __future__ import annotations

import codecs
from pathlib import Path

_PIECE = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""First bytes of .xlsx/.ods and of .xls files."""


def is_workbook(path: Path) -> bool:
    """Whether the file is an Excel or OpenDocument workbook, whatever its name."""
    with path.open("rb") as stream:
        return stream.read(8).startswith(_WORKBOOKS)


def find_encoding(path: Path) -> tuple[str, str | None]:
    """A codec name and the code of the problem, if any: W-SHEET-005 (a guess), E-SHEET-003 or E-SHEET-004.

    A byte order mark decides; else UTF-8 where the whole file is valid, else Windows-1252.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if encoding is not None:
        return encoding, _fault(path, encoding)
    fault = _fault(path, "utf-8")
    if fault != "E-SHEET-004":
        return "utf-8", fault
    fault = _fault(path, "cp1252")
    return "cp1252", fault or "W-SHEET-005"


def _fault(path: Path, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        while True:
            piece = stream.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeError:
                return "E-SHEET-004"
            if "\0" in text:
                return "E-SHEET-003"
            if not piece:
                return None
