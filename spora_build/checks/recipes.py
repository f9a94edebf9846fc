"""Which recipe a standardization folder's name stands for."""

from __future__ import annotations

import re

from spora_build.checks.pixel_statistics import Recipe
from spora_build.checks.stored_image import StoredImage
from spora_build.checks.view import DatasetView, Standardization

METHODS = ("quantile_clipping", "quantile_clipping_log1p")
_SPEC = re.compile(r"^uq_(?P<upper>[01]?\.?\d+)(?:_lq_(?P<lower>0?\.?\d+))?(?:_(?P<level>image|global))?$")


def is_global(folder: Standardization) -> bool:
    """Whether quantiles are taken over the cohort (``uq_0.99_global``) and not per image."""
    return folder.spec.endswith("_global")


def recipe_of(folder: Standardization) -> Recipe | None:
    """The recipe that method and spec name; None for global quantiles and for names of another form."""
    match = _SPEC.match(folder.spec)
    if folder.method not in METHODS or match is None or is_global(folder):
        return None
    upper, lower = float(match["upper"]), float(match["lower"]) if match["lower"] else None
    if not 0 < upper <= 1 or (lower is not None and not 0 <= lower < upper):
        return None
    return Recipe(folder.method, upper, lower)


def recipes_at(view: DatasetView, image: StoredImage) -> list[Recipe]:
    """Recipes of the standardization folders beside an image, each once."""
    recipes = {
        recipe_of(folder)
        for folder in view.standardizations
        if folder.modality == image.modality and folder.mpp == image.mpp
    }
    return sorted((r for r in recipes if r is not None), key=lambda r: (r.method, r.upper, r.lower or 0.0))
