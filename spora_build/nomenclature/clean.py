"""From a vendor's channel label to the name that stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spora_build.nomenclature.fold import plain_text
from spora_build.nomenclature.isotopes import PATTERN as METAL
from spora_build.nomenclature.isotopes import metal

_SIGNS = " _-.:;,|"
_TUBE = re.compile(r"_?[0-9]*\(\([0-9]+\)\)")
"""``651((3356))``: number of the antibody tube and of the clone, as AirLab writes them."""
_METAL_IN_BRACKETS = re.compile(rf"[\s_-]*[(\[]({METAL})[)\]]")
_METAL_FIRST = re.compile(rf"^({METAL})(?=[\s_:-]|$)[\s_:-]*")
_METAL_LAST = re.compile(rf"(?:^|(?<=[\s_):-]))[\s_:-]*({METAL})$")
_CYCLE_LAST = re.compile(
    r"[\s_:;,.-]+(?:cyc(?:le)?|round|rnd|chan(?:nel)?|ch|reg|exp(?:osure)?)[\s_.-]*[0-9]+(?:[\s_:;,.-]*(?:ch|chan(?:nel)?|cyc(?:le)?)[\s_.-]*[0-9]+)*$",
    re.IGNORECASE,
)
_CYCLE_FIRST = re.compile(
    r"^(?:cyc(?:le)?|round|rnd|ch(?:annel)?)[\s_.-]*[0-9]+(?:[\s_-]*(?:ch|chan|channel|cyc|cycle)[\s_.-]*[0-9]+)*[\s_:;.-]+",
    re.IGNORECASE,
)
DYE = (
    r"(?:opal[\s_-]*(?:polaris)?[\s_-]*[0-9]{3}|alexa[\s_-]*(?:fluor)?[\s_-]*(?:plus)?[\s_-]*[0-9]{3}|AF[\s_-]?[0-9]{3}|A(?=[0-9]{3}\b)[0-9]{3}"
    r"|cy[\s_-]?[2357](?:[.,_-]?5)?|FITC|TRITC|rhodamine|texas[\s_-]*red|PE|APC|ATTO[\s_-]*[0-9]{3}N?|CF[\s_-]?[0-9]{3}"
    r"|eF(?:luor)?[\s_-]?[0-9]{3}|BV[0-9]{3}|dylight[\s_-]*[0-9]{3}|AP[0-9]{3}|(?:ex|em)[0-9]{3})"
)
_DYE_LAST = re.compile(rf"[\s_:;,.-]+{DYE}$|\s*[(\[]{DYE}[)\]]$", re.IGNORECASE)
_DYE_FIRST = re.compile(rf"^{DYE}[\s_:;,-]+", re.IGNORECASE)
_BARCODE = re.compile(r"[\s_-]+BX[0-9]{3}$")
_ANTI_FIRST = re.compile(r"^(?:(?:recombinant|anti|human)[\s_-]+)+(?=.)", re.IGNORECASE)
_ANTIBODY_LAST = re.compile(r"\s+(?:(?:mono|poly)clonal\s+)?antibody$", re.IGNORECASE)
_ROUND_FIRST = re.compile(r"^[RC][0-9]{1,2}_+(?=.)", re.IGNORECASE)
_BRACKET = re.compile(r"[\s_-]*[(\[]([^()\[\]]*)[)\]]")
_CLONE = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9]{3,12}(?:[/.-][A-Za-z0-9]{1,6}){0,2}")


@dataclass(frozen=True)
class Core:
    """A name that may stand in a label, and what had to be taken away to see it."""

    text: str
    removed: tuple[str, ...] = ()
    """Text that is no vendor's code for sure: descriptions, clones. Whoever uses the name looks at it."""
    is_clone: bool = True
    """All that was removed looks like the name of an antibody clone."""


def cores(label: str) -> Iterator[Core]:
    """Names that may stand in a label: first the whole, then with more and more taken away."""
    text = plain_text(label)
    yield Core(text)
    stripped = strip_codes(text)
    if stripped != text:
        yield Core(stripped)
    removed: tuple[str, ...] = ()
    in_round = _ROUND_FIRST.sub("", stripped)
    if in_round != stripped:
        yield Core(in_round)
    dash = re.split(r"\s+-+\s+|\s+:\s+", stripped, maxsplit=1)
    if len(dash) == 2 and dash[0].strip(_SIGNS):
        stripped, removed = dash[0].strip(_SIGNS), (dash[1].strip(_SIGNS),)
        yield _core(stripped, removed)
    brackets = _BRACKET.findall(stripped)
    outside = _BRACKET.sub(" ", stripped).strip(_SIGNS)
    if brackets and outside:
        stripped, removed = " ".join(outside.split()), (*removed, *(b.strip() for b in brackets))
        yield _core(stripped, removed)
    head, tail = _split_clone(stripped)
    if tail:
        yield _core(head, (*removed, tail))


def strip_codes(text: str) -> str:
    """Text without what no part of a name is: metals, tube numbers, cycles, dyes, barcodes. Never empty."""
    alone = metal(text)
    if alone:
        return alone
    metals: list[str] = []

    def drop(match: re.Match[str]) -> str:
        name = metal(match[1])
        if name is None:
            return match[0]
        metals.append(name)
        return ""

    text = _TUBE.sub(" ", text)
    for pattern in (_METAL_IN_BRACKETS, _METAL_FIRST, _METAL_LAST):
        text = pattern.sub(drop, text).strip(_SIGNS)
    if not text:
        return metals[0] if metals else ""
    if metal(text):
        return metal(text) or text
    ends = (_ANTIBODY_LAST, _ANTI_FIRST, _CYCLE_LAST, _CYCLE_FIRST, _BARCODE, _DYE_LAST, _DYE_FIRST)
    for pattern in (*ends, _CYCLE_LAST, _ANTI_FIRST):
        text = pattern.sub("", text).strip(_SIGNS) or text
    return text


def without_index(text: str) -> str | None:
    """``DAPI`` of ``DAPI-01``, ``Hoechst`` of ``Hoechst1``; None where no number ends the text."""
    shorter = re.sub(r"[\s_.#-]*(?:[(]?[0-9]{1,3}[)]?)$", "", text).strip(_SIGNS)
    return shorter if shorter and shorter != text else None


def is_dye(text: str) -> bool:
    """Whether the text names a fluorescent dye and nothing else."""
    return re.fullmatch(DYE, text.strip(), re.IGNORECASE) is not None


def _split_clone(text: str) -> tuple[str, str]:
    match = re.search(r"[\s_-]+([^\s_-]+)$", text)
    if match and _CLONE.fullmatch(match[1]) and text[: match.start()].strip(_SIGNS):
        return text[: match.start()].strip(_SIGNS), match[1]
    return text, ""


def _core(text: str, removed: tuple[str, ...]) -> Core:
    return Core(text, removed, all(_CLONE.fullmatch(part) for part in removed))
