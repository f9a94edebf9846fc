"""What the XML of a CZI file says of channels, scenes and pixel size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spora_build.readers._pixel_size import Measured, absent, from_um

_UM_PER_M = 1e6


@dataclass(frozen=True)
class CziDescription:
    """The header of a CZI file."""

    names: tuple[str, ...]
    """One per Channel element: its Name, else its Fluor; an empty text where it has neither."""
    scenes: Mapping[int, str]
    """Names of scenes by index, where they have one that no other has."""
    measured: Measured

    def channels(self, count: int) -> tuple[str, ...]:
        """Names of ``count`` channels; none where the header names none or another number of them."""
        if len(self.names) != count or not any(self.names):
            return ()
        return tuple(name or f"Channel {number}" for number, name in enumerate(self.names, start=1))


def read_description(xml: str, file: str) -> CziDescription:
    """Read the XML; what cannot be parsed says nothing. ``file`` is the name in problems."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(xml)
    except (ParseError, DefusedXmlException, ValueError):
        return CziDescription((), {}, absent(file))
    dimensions = "Metadata/Information/Image/Dimensions"
    channels = root.findall(f"{dimensions}/Channels/Channel")
    scenes = [
        (int(scene.get("Index", "")), (scene.get("Name") or "").strip())
        for scene in root.findall(f"{dimensions}/S/Scenes/Scene")
        if scene.get("Index", "").isdecimal()
    ]
    names = [name for _, name in scenes]
    return CziDescription(
        names=tuple((channel.get("Name") or channel.findtext("Fluor") or "").strip() for channel in channels),
        scenes={index: name for index, name in scenes if name and names.count(name) == 1},
        measured=_scaling(root, file),
    )


def _scaling(root: Any, file: str) -> Measured:
    """``Scaling/Items/Distance`` in metres per pixel."""
    found: dict[str, float] = {}
    for distance in root.findall("Metadata/Scaling/Items/Distance"):
        try:
            found[distance.get("Id", "")] = float(distance.findtext("Value", "")) * _UM_PER_M
        except ValueError:
            continue
    return from_um(found.get("X"), found.get("Y"), "CZI Scaling", file)
