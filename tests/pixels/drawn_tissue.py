"""Pictures of tissue whose outline is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

HEMATOXYLIN_EOSIN = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11))
HEMATOXYLIN_DAB = ((0.65, 0.70, 0.29), (0.27, 0.57, 0.78))


def blob(height: int, width: int, *, reach: float = 0.38, seed: int = 0) -> NDArray[np.bool_]:
    """(H, W) outline like a piece of tissue, in the middle of the field."""
    rows, cols = np.mgrid[0:height, 0:width]
    dy, dx = (rows - height / 2) / height, (cols - width / 2) / width
    angle = np.arctan2(dy, dx)
    edge = reach * (1 + 0.12 * np.sin(3 * angle + seed) + 0.06 * np.sin(5 * angle + 2 * seed))
    return np.hypot(dy, dx) < edge


def cells(tissue: NDArray[np.bool_], mpp: float, random: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) nuclei of 8 µm, about one per 14 × 14 µm, 1 inside and 0 between."""
    height, width = tissue.shape
    step = 14 / mpp
    rows, cols = np.mgrid[step / 2 : height : step, step / 2 : width : step]
    centers = np.stack([rows.ravel(), cols.ravel()], 1) + random.normal(0, 2 / mpp, (rows.size, 2))
    at = centers.round().astype(int)
    at = at[((at >= 0) & (at < [height, width])).all(axis=1)]
    seeds = np.ones(tissue.shape, bool)
    seeds[at[:, 0], at[:, 1]] = False
    return ((ndimage.distance_transform_edt(seeds) < 4 / mpp) & tissue).astype(np.float32)


def brightfield(
    tissue: NDArray[np.bool_],
    mpp: float,
    *,
    stains: tuple[tuple[float, float, float], tuple[float, float, float]] = HEMATOXYLIN_EOSIN,
    strength: tuple[float, float] = (0.9, 0.25),
    glass: tuple[float, float, float] = (243, 243, 243),
    seed: int = 0,
) -> NDArray[np.uint8]:
    """(3, H, W) picture by the Beer–Lambert law: nuclei in the first stain, everything in the second."""
    random = np.random.default_rng(seed)
    nuclei = cells(tissue, mpp, random)
    texture = ndimage.gaussian_filter(random.normal(1, 1, tissue.shape), 6 / mpp)
    first = strength[0] * nuclei + 0.05 * tissue
    second = strength[1] * tissue * (0.7 + 0.6 * (texture - texture.min()) / np.ptp(texture))
    density = np.array(stains).T @ np.stack([first.ravel(), second.ravel()])
    light = np.array(glass)[:, None] * 10**-density + random.normal(0, 2, density.shape)
    return light.reshape(3, *tissue.shape).round().clip(0, 255).astype(np.uint8)


def multiplex(
    tissue: NDArray[np.bool_],
    mpp: float,
    *,
    offset: float = 100,
    autofluorescence: float = 60,
    dtype: type = np.uint16,
    empty: int = 1,
    seed: int = 0,
) -> NDArray[np.uint16]:
    """(4 + empty, H, W): a nuclear stain, three markers of some cells each, and channels of noise alone."""
    random = np.random.default_rng(seed)
    nuclei = cells(tissue, mpp, random)
    planes = [900 * nuclei]
    for share in (0.4, 0.15, 0.05):
        kinds = ndimage.zoom(random.random((tissue.shape[0] // 8 + 2, tissue.shape[1] // 8 + 2)), 8, order=0)
        on = (kinds[: tissue.shape[0], : tissue.shape[1]] < share) & tissue
        planes.append(ndimage.gaussian_filter(on * 700.0, 1))
    planes = [plane + offset + autofluorescence * tissue for plane in planes] + [np.full(tissue.shape, offset)] * empty
    return random.poisson(np.stack(planes)).clip(0, 65535).astype(dtype)


def overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((found & truth).sum() / (found | truth).sum())
