"""Standardization tables against the pixels: only with ``--deep``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spora_build.checks.broken_rows import listed
from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.pixel_scan import scan
from spora_build.checks.pixel_statistics import Floats, Moments, Recipe
from spora_build.checks.recipes import recipe_of
from spora_build.checks.view import DatasetView, Standardization

QUANTILE_TOLERANCE = 1e-5
"""Relative. numpy.quantile of float32 pixels interpolates in float32, which is good to 1e-7 of the value."""
MOMENT_TOLERANCE = 1e-3
"""Relative. Sums of squares in float32, as in spora-io's own script, lose that much."""
NEEDS = ["V323", "V324", "V406", "V707", "V708", "V709", "V710"]


def _recomputable(view: DatasetView) -> list[tuple[Standardization, Recipe]]:
    found = [(folder, recipe_of(folder)) for folder in view.standardizations]
    known = [(folder, recipe) for folder, recipe in found if recipe is not None]
    if not known:
        raise NotApplicableError("no folder is named by its quantiles, such as uq_0.99_image")
    return known


@rule("V721", deep=True, needs=NEEDS, remedy="Run `spora-build stats` again.")
def quantiles_are_those_of_the_pixels(view: DatasetView) -> Iterator[Violation]:
    """Image-level quantiles are those of the pixels inside the tissue mask, linearly interpolated (within 1e-5)."""
    for folder, recipe in _recomputable(view):
        for name, level in (("upper", recipe.upper), ("lower", recipe.lower)):
            table = folder.tables.get(f"image_level_{name}_quantiles")
            if table is None or level is None:
                continue
            for image in view.images_of(folder.modality):
                found = scan(view, image).quantiles.get(level)
                names = view.measured(folder.modality).get(image.tissue_id, [])
                if image.mpp != folder.mpp or not found or image.tissue_id not in table.rows.index:
                    continue
                stored = table.rows.loc[image.tissue_id, names].to_numpy(float)
                if len(found) == len(names) and not _close(stored, np.array(found), QUANTILE_TOLERANCE).all():
                    wrong = ~_close(stored, np.array(found), QUANTILE_TOLERANCE)
                    yield Violation(table.place, f"{image.tissue_id}: {listed(np.array(names)[wrong].tolist())}")


@rule("V722", deep=True, needs=NEEDS, remedy="Run `spora-build stats` again.")
def moments_are_those_of_the_pixels(view: DatasetView) -> Iterator[Violation]:
    """Global means and population stds are those of all tissue pixels after the method's transform (within 1e-3).

    The transform is clipping, then rescaling to [0, 1] or log1p.
    """
    for folder, recipe in _recomputable(view):
        pooled = _pool(view, folder, recipe)
        for name in ("means", "stds"):
            table = folder.tables.get(f"global_level_{name}")
            if table is None or not pooled:
                continue
            stored = table.rows.iloc[0][list(pooled)].to_numpy(float)
            found = np.array([m.mean if name == "means" else m.std for m in pooled.values()])
            wrong = ~_close(stored, found, MOMENT_TOLERANCE)
            if wrong.any():
                yield Violation(table.place, listed(np.array(list(pooled))[wrong].tolist()))


def _pool(view: DatasetView, folder: Standardization, recipe: Recipe) -> dict[str, Moments]:
    """Moments by channel over all images of a folder's pixel size; empty where an image could not be scanned."""
    pooled: dict[str, Moments] = {}
    for image in view.images_of(folder.modality):
        if image.mpp != folder.mpp:
            continue
        names = view.measured(folder.modality).get(image.tissue_id, [])
        moments = scan(view, image).moments.get(recipe, ())
        if len(moments) != len(names):
            return {}
        for name, one in zip(names, moments, strict=True):
            pooled[name] = pooled[name].merge(one) if name in pooled else one
    return {name: one for name, one in pooled.items() if one.count}


def _close(stored: Floats, found: Floats, tolerance: float) -> NDArray[np.bool_]:
    return np.asarray(np.isclose(stored, found, rtol=tolerance, atol=1e-9, equal_nan=True))
