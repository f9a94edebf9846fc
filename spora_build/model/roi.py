"""A raw acquisition: what its header says, and its pixels by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Problem
from spora_build.model.geometry import PixelSize, Size, Window


class PixelSource(Protocol):
    """Anything that gives pixels by window, never the whole image unless asked for it."""

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """Pixels of these channels (indices, any order) in this window, in native byte order.

        Shape (len(channels), window.height, window.width). Safe to call from several threads at once.
        Raises UnreadableFileError where the file is damaged.
        """
        ...


@dataclass(frozen=True)
class Roi:
    """One acquisition of a raw file, full resolution, channels first."""

    name: str
    """Name of the acquisition inside its file, empty where the file has but one without a name."""
    channel_names: tuple[str, ...]
    """As the file names them; empty where the file names none. RGB images have none."""
    channel_count: int
    size: Size
    dtype: np.dtype[Any]
    """Native byte order."""
    is_rgb: bool
    """True where the channels are red, green and blue light (alpha already dropped)."""
    pixel_size: PixelSize | None
    """None where the file has none that can be believed; ``problems`` then says why."""
    block: Size
    """The piece the file stores together (a tile, a strip, a plane): windows aligned to it are decoded once."""
    source: PixelSource
    format: str
    """For people: ``OME-TIFF``, ``ImageJ TIFF``, ``PNG``, ``IMC mcd``…"""
    modality_hint: str | None = None
    """``imc``, ``codex``, ``he``… where the format itself tells; never from the file's name."""
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    """What the header gets wrong (warnings), or why the roi cannot be used (errors)."""
    channel_tags: tuple[str, ...] = ()
    """A second name of every channel where the format has one: the metal of IMC, ``Pr141``. Empty otherwise."""

    def __post_init__(self) -> None:
        if self.channel_names and len(self.channel_names) != self.channel_count:
            raise ValueError("a roi names all its channels or none")
        if self.channel_tags and len(self.channel_tags) != self.channel_count:
            raise ValueError("a roi tags all its channels or none")
        if self.is_rgb and self.channel_count != 3:
            raise ValueError("an RGB roi has three channels")

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :meth:`PixelSource.read`."""
        return self.source.read(channels, window)
