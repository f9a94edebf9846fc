"""One acquisition in several files counts once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from spora_build.errors import Place, Problem
from spora_build.workflows.drafting.find_acquisitions import Acquisition, stem

_LAST = ("JPEG", "PNG", "folder of TIFFs", "TIFF", "ImageJ TIFF", "OME-TIFF", "OME-Zarr", "IMC txt")
"""Formats from the one farthest from the instrument on; those not named come first."""
_PART_OF_SET = "N-TIFF-023"


def merge_copies(found: Sequence[Acquisition]) -> tuple[list[Acquisition], list[Problem]]:
    """Each acquisition once, with the names of the files that hold it too, and a note about each of these.

    Taken for the same: files of one multi-file OME-TIFF; what is named after an acquisition of an ``.mcd`` file (text
    exports ``<mcd>_<acquisition>``, images of steinbock ``<mcd>_<number>`` and imctools) and has its size; images of
    the same name, size and channels in different formats, of which the one nearest to the instrument is taken.
    """
    result = _merge(list(found), _sets(found))
    result = _merge(result, _of_acquisition(result, "IMC mcd"))
    result = _merge(result, _of_acquisition(result, "IMC txt"))
    result = _merge(result, _same_names(result))
    return result, [_note(acquisition) for acquisition in result if acquisition.copies]


def _merge(found: list[Acquisition], groups: Iterable[Sequence[Acquisition]]) -> list[Acquisition]:
    """The first of each group takes the others in."""
    taken: dict[Acquisition, tuple[str, ...]] = {}
    gone: set[Acquisition] = set()
    for first, *others in groups:
        new = [other for other in others if other not in gone and other is not first]
        if first in gone or not new:
            continue
        gone.update(new)
        taken[first] = taken.get(first, ()) + tuple(name for o in new for name in (o.file, *o.copies))
    return [
        replace(acquisition, copies=acquisition.copies + taken.get(acquisition, ()))
        for acquisition in found
        if acquisition not in gone
    ]


def _sets(found: Sequence[Acquisition]) -> Iterable[list[Acquisition]]:
    """Files of one multi-file OME-TIFF: all say so in the same words, and name the one to open."""
    groups: defaultdict[tuple[str, ...], list[Acquisition]] = defaultdict(list)
    for acquisition in found:
        folder = PurePosixPath(acquisition.file).parent.as_posix()
        for problem in acquisition.roi.problems:
            if problem.code == _PART_OF_SET:
                groups[folder, problem.what, problem.remedy, str(acquisition.roi.series)].append(acquisition)
    for (_, _, remedy, _), group in groups.items():
        yield sorted(group, key=lambda a: (PurePosixPath(a.file).name not in remedy, a.file))


def _of_acquisition(found: Sequence[Acquisition], form: str) -> Iterable[list[Acquisition]]:
    """Acquisitions of a raw format, each with the files that are named after it and have its size."""
    alone: defaultdict[tuple[int, int], list[Acquisition]] = defaultdict(list)
    for other in found:
        if other.is_alone and not other.roi.is_rgb and other.roi.format not in ("IMC mcd", form):
            alone[other.size].append(other)
    for acquisition in found:
        if acquisition.roi.format == form:
            pattern = _names_of_exports(acquisition)
            others = alone[acquisition.size]
            yield [acquisition, *(other for other in others if pattern.fullmatch(stem(other.file)))]


def _names_of_exports(acquisition: Acquisition) -> re.Pattern[str]:
    """Names that exports of an acquisition have: ``<mcd>_<name>``, ``<mcd>_003``, ``<mcd>_s0_p1_r1_a3_ac``."""
    whole, own = stem(acquisition.file), acquisition.roi.name
    if acquisition.roi.format == "IMC txt":
        # <mcd>_<description>_<id>: where the .mcd ends and the description begins is not said
        number = re.search(r"_([0-9]+)$", whole)
        starts = [whole[: match.start()] for match in re.finditer("_", whole)]
        if number is None or not starts:
            return re.compile(re.escape(whole))
        files = "|".join(re.escape(start) for start in starts)
        return re.compile(rf"{re.escape(whole)}|(?:{files})_0*{int(number[1])}")
    number = re.search(r"([0-9]+)$", own)
    digits = int(number[1]) if number else acquisition.roi.series
    return re.compile(
        rf"{re.escape(whole)}_(?:{re.escape(own)}|0*{digits}|s[0-9]+(?:_[pr][0-9]+)*_a0*{digits}(?:_ac)?(?:_full)?)"
    )


def _same_names(found: Sequence[Acquisition]) -> Iterable[list[Acquisition]]:
    groups: defaultdict[object, list[Acquisition]] = defaultdict(list)
    for acquisition in found:
        if acquisition.is_alone:
            roi = acquisition.roi
            groups[stem(acquisition.file).casefold(), roi.shape, roi.is_rgb].append(acquisition)
    for group in groups.values():
        formats = {a.roi.format for a in group}
        names = {a.roi.channel_names for a in group if a.roi.channel_names}
        if len(group) > 1 and len(formats) == len(group) and len(names) <= 1:
            yield sorted(group, key=lambda a: (_rank(a.roi.format), a.file))


def _rank(form: str) -> int:
    return -_LAST.index(form) if form in _LAST else -len(_LAST)


def _note(acquisition: Acquisition) -> Problem:
    shown = ", ".join(acquisition.copies[:3]) + ("…" if len(acquisition.copies) > 3 else "")
    return Problem(
        "N-INIT-001",
        f"the same acquisition as in {shown}; only this file is listed.",
        "nothing, or list another of these files instead where it is the better one.",
        Place(file=acquisition.file),
    )
