"""Synthetic tissue: cells with nuclei and types, drawn as multiplex channels and as an H&E picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELL_TYPES = ("tumor", "T_cell", "B_cell", "macrophage")
MARKERS = ("DAPI", "PanCK", "CD3", "CD20", "CD68", "Blank")
_MARKER_OF_TYPE = {"tumor": 1, "T_cell": 2, "B_cell": 3, "macrophage": 4}
_CELL_RADIUS_PX = 9.0
_NUCLEUS_RADIUS_PX = 5.5
_HEMATOXYLIN = (0.65, 0.70, 0.29)
_EOSIN = (0.07, 0.99, 0.11)
"""Optical density of the two stains in red, green and blue: Ruifrok and Johnston, 2001."""


@dataclass(frozen=True)
class SyntheticTissue:
    """One field of cells."""

    labels: NDArray[np.uint16]
    """(H, W) instance mask, 0 is background."""
    nuclei: NDArray[np.bool_]
    """(H, W), where nuclei are."""
    tissue: NDArray[np.bool_]
    """(H, W), where tissue is."""
    types: tuple[str, ...]
    """Type of cell 1…N."""


def make_tissue(height: int, width: int, seed: int) -> SyntheticTissue:
    """Cells of two radii on a jittered hexagonal lattice inside an uneven ellipse, the same for the same seed."""
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = np.arctan2(rows - height / 2, cols - width / 2)
    radius = np.hypot((rows - height / 2) / (0.46 * height), (cols - width / 2) / (0.46 * width))
    edge = 1 + 0.06 * np.sin(3 * angle + seed) + 0.04 * np.sin(7 * angle + 2 * seed)
    tissue = radius < edge
    labels = np.zeros((height, width), np.uint16)
    nuclei = np.zeros((height, width), bool)
    types: list[str] = []
    step = 2.1 * _CELL_RADIUS_PX
    for line, row in enumerate(np.arange(step, height - step, step * 0.87)):
        for col in np.arange(step + (line % 2) * step / 2, width - step, step):
            center = np.array([row, col]) + random.normal(0, 1.2, 2)
            if not tissue[int(center[0]), int(center[1])]:
                continue
            window = _window(center, height, width)
            distance = np.hypot(rows[window] - center[0], cols[window] - center[1])
            free = (distance < _CELL_RADIUS_PX + random.normal(0, 0.6)) & (labels[window] == 0)
            types.append(_type_at(center, height, width, random))
            labels[window][free] = len(types)
            nuclei[window] |= free & (distance < _NUCLEUS_RADIUS_PX)
    return SyntheticTissue(labels, nuclei, tissue, tuple(types))


def draw_multiplex(tissue: SyntheticTissue, seed: int) -> NDArray[np.uint16]:
    """(6, H, W) channels in the order of MARKERS: a nuclear stain, one marker a cell type, and an empty channel."""
    random = np.random.default_rng(seed + 1000)
    shape = tissue.labels.shape
    channels = np.zeros((len(MARKERS), *shape), np.float32)
    channels[0] = np.where(tissue.nuclei, 9000, np.where(tissue.tissue, 500, 40))
    brightness = np.r_[0, random.lognormal(8.3, 0.35, len(tissue.types))].astype(np.float32)
    for name, index in _MARKER_OF_TYPE.items():
        of_type = np.r_[False, np.array([cell == name for cell in tissue.types], dtype=bool)]
        cells = np.where(of_type, brightness, 0)[tissue.labels]
        channels[index] = cells * ~tissue.nuclei + 0.2 * cells * tissue.nuclei + np.where(tissue.tissue, 220, 30)
    noisy = random.poisson(channels[:-1]).clip(0, 65535)
    return np.concatenate([noisy, np.zeros((1, *shape))]).astype(np.uint16)


def draw_hematoxylin_eosin(tissue: SyntheticTissue, seed: int) -> NDArray[np.uint8]:
    """(H, W, 3) RGB picture of the same field, by the Beer–Lambert law."""
    random = np.random.default_rng(seed + 2000)
    shape = tissue.labels.shape
    hematoxylin = np.where(tissue.nuclei, 1.1, 0.05) * tissue.tissue + random.normal(0, 0.02, shape)
    eosin = np.where(tissue.labels > 0, 0.45, 0.25) * tissue.tissue + random.normal(0, 0.02, shape)
    density = hematoxylin[..., None] * np.array(_HEMATOXYLIN) + eosin[..., None] * np.array(_EOSIN)
    picture: NDArray[Any] = 244 * 10.0 ** -density.clip(0)
    return picture.round().clip(0, 255).astype(np.uint8)


def _window(center: NDArray[Any], height: int, width: int) -> tuple[slice, slice]:
    reach = int(_CELL_RADIUS_PX) + 4
    row, col = int(center[0]), int(center[1])
    return slice(max(0, row - reach), min(height, row + reach)), slice(max(0, col - reach), min(width, col + reach))


def _type_at(center: NDArray[Any], height: int, width: int, random: np.random.Generator) -> str:
    """Tumour in the middle, immune cells around it."""
    depth = np.hypot((center[0] - height / 2) / height, (center[1] - width / 2) / width)
    shares = [0.85, 0.07, 0.03, 0.05] if depth < 0.22 else [0.15, 0.45, 0.25, 0.15]
    return str(random.choice(CELL_TYPES, p=shares))
