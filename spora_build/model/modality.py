"""The imaging modalities of spora and what kind of pixels each has."""

from __future__ import annotations

import re
from dataclasses import dataclass

MULTIPLEX_NAMES = ("imc", "codex", "cycif", "mibi")
_MARKER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9.+-]*$")
_ALIASES = {"h&e": "he", "h_e": "he", "hematoxylin_eosin": "he", "phenocycler": "codex", "t-cycif": "cycif"}


@dataclass(frozen=True, order=True)
class Modality:
    """A modality as tissues.parquet names it: ``he``, ``imc``, ``codex``, ``cycif``, ``mibi`` or ``ihc_<MARKER>``."""

    name: str

    def __post_init__(self) -> None:
        if self.name in MULTIPLEX_NAMES or self.name == "he":
            return
        if self.name.startswith("ihc_") and _MARKER.match(self.name[4:]):
            return
        raise ValueError(f"{self.name!r} is no modality")

    @classmethod
    def parse(cls, text: str) -> Modality:
        """The modality a person means, whatever the letter case, outer spaces or synonym. Raises ValueError."""
        stripped = text.strip()
        lowered = stripped.lower()
        if lowered.startswith(("ihc_", "ihc-", "ihc ")):
            return cls("ihc_" + stripped[4:].strip())
        return cls(_ALIASES.get(lowered, lowered))

    @property
    def is_multiplex(self) -> bool:
        """True where channels are markers with a panel; False for RGB brightfield (H&E, IHC)."""
        return self.name in MULTIPLEX_NAMES

    @property
    def folder(self) -> str:
        """Folder below the dataset, with ``/``: ``he``, ``imc``, ``ihc/ihc_CD3E``."""
        return f"ihc/{self.name}" if self.name.startswith("ihc_") else self.name

    def __str__(self) -> str:
        return self.name
