"""What a channel may be called, from the label that a lab or an instrument gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from spora_build.nomenclature.clean import Core, cores, is_dye, strip_codes, without_index
from spora_build.nomenclature.fold import plain_text
from spora_build.nomenclature.isotopes import NEVER_TAGS, element, metal
from spora_build.nomenclature.meanings import Meaning, distant_meaning_of, meaning_of, plain_meaning_of
from spora_build.nomenclature.proposal import Candidate, Confidence, Kind, Proposal, is_read_by_spora

_FORBIDDEN = re.compile(r'[/\\<>:"|?*\x00-\x1f\x7f]+')
_JOINTS = (r"\s*[+&]\s*", r"\s+and\s+", r"\s*/\s*", r"\s*,\s*", r"_+", r"-+")
_FORM = re.compile(
    r"phos|\bp-|\bp?(?:S|T|Y|Ser|Thr|Tyr)-?[0-9]{2,4}\b|cleav|\bcl\b|activ|acetyl|\bac\b|me[123]\b|methyl|\bR[OAB]\b|isoform"
    r"|variant|ubiq|\bK[0-9]+|soluble|mutant|truncat|delta|Δ|\b[a-e]\b",
    re.IGNORECASE,
)
"""Words in what was taken away from a label that may mean a form of the protein, so that the plain protein is wrong."""
_MUTATION = re.compile(r"[A-Z][0-9]{2,4}[A-Z]")
"""``R132H`` of IDH1."""
_DNA_WORD = re.compile(r"(?:^|[\s_-])(DAPI|Hoechst|DRAQ5)[0-9]*(?=$|[\s_:-])", re.IGNORECASE)
_BLANK = re.compile(
    r"(?:^|[\s_-])(?:blank|empty|unused|unstained|autofluor\w*|auto[\s_-]fluor\w*|background|bckg|bkg|noodle)(?=[\s_0-9-]|$)",
    re.IGNORECASE,
)
_CLONE_LIKE_GENE = re.compile(r"SP[0-9]{1,3}", re.IGNORECASE)
"""Rabbit clones (SP6 of Ki-67) that are also symbols of genes nobody stains."""
_NUMBERED_KINDS = (Kind.DNA_STAIN, Kind.BACKGROUND)
_SAYS_NOTHING = re.compile(
    r"(?:ch(?:annel)?|c|cy|cyc|cycle|page|image|z|exp)?[\s_:.#-]*[0-9]*(?:[\s_:.-]*(?:cy|cyc|cycle|ch|c)?[\s_:.-]*[0-9]+)*",
    re.IGNORECASE,
)
_FIRST_OF_CYCLE = re.compile(r"ch(?:annel)?[\s_-]*0*1[\s_-]*(?:cy|cyc|cycle)[\s_-]*[0-9]+", re.IGNORECASE)


def clean_label(label: str) -> str:
    """The name that stands in a vendor's label: ``CD8a`` in ``CD8a - D8A8Y:Cyc_3_ch_2``, ``Cytoker`` in
    ``Cytoker_651((3356))Pr141``, ``Pr141`` in ``141Pr``. Empty only for an empty label.
    """
    return _core_and_meaning(label)[0]


def propose(label: str, tags: Sequence[str] = ()) -> Proposal:
    """What a channel may be called in the dataset.

    ``tags`` are other names of the channel: its metal, its filter. Never raises; a label that says nothing comes back
    as it is, open.
    """
    name, meaning = _core_and_meaning(label)
    metals = [found for found in map(metal, (name, *tags)) if found]
    if not name and metals:
        name, meaning = metals[0], meaning_of(metals[0])
    if meaning is None:
        meaning = _unknown(name, metals)
    return _proposal(label, name, meaning)


def _core_and_meaning(label: str) -> tuple[str, Meaning | None]:
    """The name in a label and what it means: the most of the label that means something."""
    plain = plain_text(label)
    if is_dye(plain):
        return plain, _dye()
    codeless = strip_codes(plain)
    found = list(cores(label))
    for core in (core for core in found if not core.removed):
        meaning = plain_meaning_of(core.text) or _numbered(core.text) or distant_meaning_of(core.text)
        if meaning is not None:
            return core.text, meaning
    dna = _DNA_WORD.search(plain)
    stain = plain_meaning_of(dna[1]) if dna else None
    if stain is not None:
        return codeless, stain
    if _BLANK.search(plain):
        return codeless, _background("a channel without a stain")
    combined = _combined(codeless)
    if combined is not None:
        return codeless, combined
    for core in (core for core in found if core.removed):
        meaning = plain_meaning_of(core.text) or _numbered(core.text)
        if meaning is not None:
            return core.text, _with_caution(core, meaning)
    whole = [core.text for core in found if not (core.removed and core.is_clone)]
    return whole[-1], None


def _numbered(name: str) -> Meaning | None:
    """A name with a number behind it: the stain of a certain cycle (``DAPI-01``, ``Hoechst3``, ``Blank 2``), and as a
    guess one of two antibodies against a protein (``CD68_2``).
    """
    shorter = without_index(name)
    meaning = plain_meaning_of(shorter) if shorter else None
    if meaning is None or not shorter or meaning.kind in _NUMBERED_KINDS:
        return meaning
    if meaning.kind is Kind.PROTEIN and meaning.confidence is Confidence.SURE and not name[len(shorter)].isdigit():
        note = f"the number of {name!r} may be part of the name"
        return replace(meaning, confidence=Confidence.LIKELY, candidates=(_candidate(meaning),), note=note)
    return None


def _with_caution(core: Core, meaning: Meaning) -> Meaning:
    """A meaning seen only after words were taken away; open where these may mean a form of it, or another protein."""
    if meaning.confidence is Confidence.OPEN or meaning.kind in _NUMBERED_KINDS:
        return meaning
    named = {p: None if _CLONE_LIKE_GENE.fullmatch(p) else plain_meaning_of(p) for p in core.removed}
    rest = [part for part, other in named.items() if other is None or other.marker != meaning.marker]
    others = [other for part, other in named.items() if other is not None and part in rest]
    words = " ".join(rest)
    if any(other.kind is Kind.PROTEIN and other.confidence is Confidence.SURE for other in others):
        note = f"the label also says {words!r}: two antibodies?"
    elif _FORM.search(words) or any(_MUTATION.fullmatch(part) for part in rest):
        note = f"the label also says {words!r}, which may mean a form of {meaning.marker}"
    else:
        said = f"the label also says {words!r}" if words and not core.is_clone else ""
        return replace(meaning, note="; ".join(part for part in (meaning.note, said) if part))
    candidates = dict.fromkeys(_candidate(m) for m in (meaning, *others) if m.uniprot_id)
    return Meaning("", "", False, meaning.kind, Confidence.OPEN, tuple(candidates), note)


def _combined(name: str) -> Meaning | None:
    """Two antibodies on one channel: ``CD31+vWF``; or two names of one protein: ``PDPN/gp38``.

    Every part has to mean something.
    """
    for joint in _JOINTS:
        parts = [part for part in re.split(joint, name) if part]
        if not 2 <= len(parts) <= 4:
            continue
        meanings = [None if _CLONE_LIKE_GENE.fullmatch(part) else plain_meaning_of(part) for part in parts]
        known = [m for m in meanings if m is not None and m.kind not in (Kind.BACKGROUND, Kind.UNKNOWN)]
        if len(known) != len(parts):
            continue
        if len({m.marker for m in known}) == 1 and all(m.marker and m.kind is Kind.PROTEIN for m in known):
            return min(known, key=lambda m: m.confidence is not Confidence.SURE)
        if len({m.marker for m in known}) < len(known):
            continue
        candidates = [c for m in known for c in ((_candidate(m),) if m.uniprot_id else m.candidates)]
        return Meaning(
            "+".join(safe_name(part) for part in parts),
            "",
            any(m.is_nuclear_marker for m in known),
            Kind.COMBINED,
            Confidence.OPEN,
            tuple(dict.fromkeys(candidates)),
            "several antibodies on one channel: choose one accession, or none",
        )
    return None


def _unknown(name: str, metals: Sequence[str]) -> Meaning:
    own = metal(name)
    if own and element(own) in NEVER_TAGS:
        return _background("gas, slide or environment: no antibody carries this metal")
    if own:
        return Meaning("", "", False, Kind.UNKNOWN, Confidence.OPEN, (), "a metal without the name of an antibody")
    if metals and element(metals[0]) == "BCKG":
        return _background("a channel without a stain")
    if is_dye(name):
        return _dye()
    if _FIRST_OF_CYCLE.fullmatch(name):
        note = "the first channel of a cycle is most often the DNA stain"
        return Meaning("", "", False, Kind.UNKNOWN, Confidence.OPEN, (), note)
    if _SAYS_NOTHING.fullmatch(name):
        return Meaning("", "", False, Kind.UNKNOWN, Confidence.OPEN, (), "the file does not say what this channel is")
    return Meaning("", "", False, Kind.UNKNOWN, Confidence.OPEN, (), "not in the tables")


def _background(note: str) -> Meaning:
    return Meaning("", "", False, Kind.BACKGROUND, Confidence.SURE, (), note)


def _candidate(meaning: Meaning) -> Candidate:
    return Candidate(meaning.marker, meaning.uniprot_id)


def _dye() -> Meaning:
    return Meaning("", "", False, Kind.DYE, Confidence.OPEN, (), "a dye; the antibody that carried it is not said")


def _proposal(label: str, name: str, meaning: Meaning) -> Proposal:
    note = meaning.note
    accession = meaning.uniprot_id
    if accession and not is_read_by_spora(accession):
        unread = f"spora-io does not look up {accession}, it knows no accessions of this form"
        note = f"{note}; {unread}" if note else unread
    return Proposal(
        label=label,
        marker=meaning.marker or safe_name(name) or "unnamed",
        uniprot_id=accession,
        is_nuclear_marker=meaning.is_nuclear_marker,
        keep=meaning.kind is not Kind.BACKGROUND,
        kind=meaning.kind,
        confidence=meaning.confidence,
        candidates=meaning.candidates,
        note=note,
    )


def safe_name(text: str) -> str:
    """The text as a channel's name: without the signs that no file name may have."""
    return _FORBIDDEN.sub("_", plain_text(text)).strip(" _")
