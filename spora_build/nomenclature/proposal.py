"""What is proposed for a channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

READ_BY_SPORA = re.compile(r"[OPQ][0-9][A-Z0-9]{3}[0-9](?:-[0-9]+)?")
"""Accessions that spora-io looks up; it passes over valid ones of another form (``A0A…``, ``B7Z8K6``) silently."""


class Kind(StrEnum):
    """What a channel shows."""

    PROTEIN = "protein"
    ISOFORM = "isoform"
    """One form or fragment of a protein."""
    MARK = "mark"
    """A protein that carries a phosphate, methyl group and the like, or is cleaved."""
    COMPLEX = "complex"
    """Several proteins that one antibody binds: a complex, a family."""
    COMBINED = "combined"
    """Several antibodies on one channel."""
    GLYCAN = "glycan"
    DNA_STAIN = "dna_stain"
    DYE = "dye"
    """A dye whose antibody is not said, or one that stains no single protein."""
    BACKGROUND = "background"
    """No stain at all: blanks, autofluorescence, gas and metals of the instrument."""
    OTHER = "other"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far a proposal may be believed."""

    SURE = "sure"
    LIKELY = "likely"
    """A guess, to be looked at."""
    OPEN = "open"
    """Left for a person; what may be meant stands in the candidates."""


@dataclass(frozen=True)
class Candidate:
    """One thing that a label may mean."""

    name: str
    uniprot_id: str

    def __str__(self) -> str:
        return f"{self.name} {self.uniprot_id}".strip()


@dataclass(frozen=True)
class Proposal:
    """What a channel may be called in the dataset."""

    label: str
    """As the raw file has it."""
    marker: str
    """Name to write: the HUGO symbol where one gene is meant, else a clear name of its own. Never empty."""
    uniprot_id: str
    """Empty where there is none or a person has to choose."""
    is_nuclear_marker: bool
    """True for what stains every nucleus."""
    keep: bool
    kind: Kind
    confidence: Confidence
    candidates: tuple[Candidate, ...] = ()
    note: str = ""
    """For the person who reads the sheet."""


def is_read_by_spora(accession: str) -> bool:
    """Whether spora-io looks this accession up."""
    return READ_BY_SPORA.fullmatch(accession) is not None
