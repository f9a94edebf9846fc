"""The XML at the end of an IMC .mcd file: slides and acquisitions, by readimc, once the XML is known to be harmless."""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path
from typing import Any

from spora_build.errors import Place, Problem, UnreadableFileError

_START, _END = ("<MCDSchema".encode("utf-16-le"), "</MCDSchema>".encode("utf-16-le"))
_LONGEST_SCHEMA = 1 << 28


def read_acquisitions(path: Path) -> list[Any]:
    """Every acquisition of the file as ``readimc.data.Acquisition``, by slide and id. Raises UnreadableFileError."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring
    from readimc.mcd_parser import MCDParser, MCDParserError

    try:
        schema = _read_schema(path).decode("utf-16-le")
        fromstring(schema, forbid_dtd=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            slides = MCDParser(schema).parse_slides()
    except OSError as error:
        raise unreadable(path, "it cannot be opened") from error
    except DefusedXmlException as error:
        raise unreadable(path, "its description declares XML entities, which no instrument writes") from error
    except (MCDParserError, ParseError, SyntaxError, KeyError, ValueError, OverflowError, RecursionError) as error:
        raise unreadable(path, "its description (XML) is damaged") from error
    return [acquisition for slide in slides for acquisition in slide.acquisitions]


def unreadable(path: Path, why: str) -> UnreadableFileError:
    """The error for an .mcd file of which nothing can be read; points to the text files beside it."""
    texts = sorted(other.name for other in path.parent.glob("*.txt") if other.name.startswith(f"{path.stem}_"))
    remedy = "copy the file again from the instrument"
    if texts:
        remedy += f", or list the text files beside it in tissues.csv instead ({texts[0]}…)"
    return UnreadableFileError(
        Problem("E-READ-125", f"this .mcd file cannot be read: {why}.", f"{remedy}.", Place(file=path.name))
    )


def _read_schema(path: Path) -> bytes:
    """The last MCDSchema element (old files hold several, the last one counts)."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise unreadable(path, "it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            start = mapped.rfind(_START)
            if start == -1:
                raise unreadable(path, "it has no description at its end, so it was probably not copied whole")
            end = mapped.rfind(_END, start)
            if end == -1:
                raise unreadable(path, "its description at the end is cut off, so it was probably not copied whole")
            end += len(_END)
            if end - start > _LONGEST_SCHEMA:
                raise unreadable(path, "its description is implausibly long")
            return mapped[start:end]
