"""Which modality an acquisition probably is: what its format says, its names, its channels, its light."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from spora_build.errors import SporaBuildError
from spora_build.model.geometry import Window
from spora_build.nomenclature.isotopes import metal
from spora_build.nomenclature.proposal import Confidence, Kind
from spora_build.nomenclature.propose import propose
from spora_build.readers import open_rois
from spora_build.workflows.drafting.find_acquisitions import Acquisition, stem, words

WORDS = {
    "imc": "imc", "hyperion": "imc",
    "mibi": "mibi", "mibitof": "mibi",
    "codex": "codex", "phenocycler": "codex",
    "cycif": "cycif", "tcycif": "cycif",
}  # fmt: skip
_HE = re.compile(r"(?<![a-z])(?:h&e|h_e|h-e|hes?|hande|ha?ematoxylin)(?![a-z])", re.IGNORECASE)
_IHC = re.compile(r"(?<![a-z])ihc(?:[\s_-]*([A-Za-z0-9.+-]+))?", re.IGNORECASE)
_CODEX_NAME = re.compile(r"(?<![a-z])reg0*[0-9]+(?![0-9])", re.IGNORECASE)
_CODEX_CHANNEL = re.compile(r":cyc_[0-9]+_ch_[0-9]+$|[_-]BX[0-9]{3}$", re.IGNORECASE)
BRIGHT = 120
"""Median of light through tissue on glass; pictures of fluorescence lie far below."""
_LOOK_AT_PX = 512


@dataclass(frozen=True)
class Guess:
    """A modality as tissues.csv names it."""

    modality: str
    """Empty where nothing says."""
    doubt: str = ""
    """Why a person should look; empty where the format or the file's name says it plainly."""
    is_picture_only: bool = False
    """A picture of fluorescence in colours: no raw image."""


def guess_modality(acquisition: Acquisition, root: Path) -> Guess:
    """The modality of one acquisition. Reads pixels only of pictures in colour that no name tells of."""
    hint = acquisition.roi.modality_hint
    if hint:
        return Guess(hint)
    texts = [stem(acquisition.file), *reversed(PurePosixPath(acquisition.file).parts[:-1]), root.resolve().name]
    if acquisition.roi.is_rgb:
        return _brightfield(acquisition, texts)
    return _multiplex(acquisition, texts)


def _brightfield(acquisition: Acquisition, texts: Sequence[str]) -> Guess:
    for text in texts:
        if _HE.search(text):
            return Guess("he")
        found = _IHC.search(text)
        if found:
            return _ihc(found[1])
    if _median_light(acquisition) < BRIGHT:
        return Guess("", "a dark picture in colours: a view of fluorescence, not a raw image", is_picture_only=True)
    return Guess(
        "he", "a bright picture in colours, taken for H&E: write ihc_<MARKER> where it is immunohistochemistry"
    )


def _ihc(text: str | None) -> Guess:
    proposal = propose(text or "")
    if text and proposal.kind is Kind.PROTEIN and proposal.confidence is not Confidence.OPEN:
        return Guess(f"ihc_{proposal.marker}", f"the marker is read from the name {text!r}")
    return Guess("", "immunohistochemistry of which protein? write ihc_<MARKER>, such as ihc_CD3E")


def _multiplex(acquisition: Acquisition, texts: Sequence[str]) -> Guess:
    for text in texts:
        named = [WORDS[word] for word in words(text) if word in WORDS]
        if named:
            return Guess(named[0], "" if text in texts[:-1] else "the name of the raw folder says so")
    names = acquisition.roi.channel_names
    if any(_CODEX_CHANNEL.search(name) for name in names) or _CODEX_NAME.search(texts[0]):
        return Guess("codex", "the names look like those of CODEX")
    kinds = {proposal.kind for proposal in map(propose, names)}
    is_metal = any(metal(word) for name in names for word in re.split(r"[^A-Za-z0-9]+", name))
    if is_metal and not any(re.search("dapi|hoechst", name, re.IGNORECASE) for name in names):
        return Guess("imc", "channels are named after metals")
    if acquisition.roi.format == "folder of TIFFs" and Kind.PROTEIN in kinds and _has_no_light(names):
        return Guess("mibi", "one TIFF per marker, as MIBI leaves them")
    return Guess("", "nothing says which: write imc, codex, cycif or mibi (codex or cycif where it is fluorescence)")


def _has_no_light(names: Sequence[str]) -> bool:
    """Whether no channel is a fluorescent dye."""
    return not any(re.search("dapi|hoechst|draq|cy[357]|alexa|opal", name, re.IGNORECASE) for name in names)


def _median_light(acquisition: Acquisition) -> float:
    """Median over the middle of the picture; 255 where it cannot be read."""
    try:
        with open_rois(acquisition.path) as rois:
            roi = rois[acquisition.roi.series]
            height, width = min(roi.size.height, _LOOK_AT_PX), min(roi.size.width, _LOOK_AT_PX)
            window = Window((roi.size.height - height) // 2, (roi.size.width - width) // 2, height, width)
            return float(np.median(roi.read((0, 1, 2), window)))
    except SporaBuildError:
        return 255.0
