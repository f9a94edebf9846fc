"""Built in, without weights: nuclei by their stain, each grown into a cell. Any tiling gives the same labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build import __version__
from spora_build.pixels.nuclei import NucleiSettings, find_levels, halo_px, segment, stain
from spora_build.segmenters._planes import Planes, window_around

TILE_PX = 1024


@dataclass(frozen=True)
class _Nuclei:
    tile_px: int = TILE_PX
    settings_type: type[Any] = NucleiSettings
    takes_bodies: bool = False
    takes_all_cores: bool = False

    def provenance(self, settings: NucleiSettings) -> dict[str, Any]:
        """See :class:`~spora_build.segmenters.Segmenter`."""
        parameters = asdict(settings)
        del parameters["counts"]  # the modality says it
        return {"software": f"spora-build {__version__}", "parameters": parameters}

    def label_bands(self, planes: Planes, settings: NucleiSettings) -> Iterator[NDArray[np.uint32]]:
        """See :class:`~spora_build.segmenters.Segmenter`."""
        size, mpp, tile_px = planes.size, planes.mpp, self.tile_px
        settings = replace(settings, counts=planes.counts)
        levels = find_levels(list(planes.samples()), mpp, settings)
        halo = halo_px(settings, mpp)
        for row in range(0, size.height, tile_px):
            band = np.zeros((min(tile_px, size.height - row), size.width), np.uint32)
            for col in range(0, size.width, tile_px):
                window = window_around(row, col, tile_px, halo, size)
                plane = stain(planes.read(window), levels.scales, settings)
                labels = segment(plane, window, size, mpp, settings, levels)
                top, left = row - window.row, col - window.col
                width = min(tile_px, size.width - col)
                band[:, col : col + width] = labels[top : top + len(band), left : left + width]
            yield band


SEGMENTER = _Nuclei()
