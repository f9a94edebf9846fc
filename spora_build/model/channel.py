"""Channels and panels: which plane is which marker."""

from __future__ import annotations

from dataclasses import dataclass

from spora_build.model.modality import Modality


@dataclass(frozen=True)
class Channel:
    """One channel of a cohort, as a row of channels.parquet."""

    name: str
    """channel_name: the HUGO symbol, or a clear name of its own where no single gene is meant."""
    original_name: str
    """The name in the raw file or in the lab's panel."""
    uniprot_id: str = ""
    """UniProt accession (isoforms as P08575-4), empty where there is none."""
    is_nuclear_marker: bool = False
    qc_pass: bool | None = None
    """None: decided from the pixels (False for a channel that is empty in every tissue)."""
    description: str = ""


@dataclass(frozen=True)
class Panel:
    """The ordered channels of one modality in a cohort."""

    modality: Modality
    channels: tuple[Channel, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.channels):
            raise ValueError("channel names of a panel are unique")

    @property
    def names(self) -> tuple[str, ...]:
        """Channel names in panel order."""
        return tuple(channel.name for channel in self.channels)


RGB = ("R", "G", "B")
"""Channel names of brightfield images."""
