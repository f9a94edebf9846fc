"""The OME-Zarr 0.5 metadata of images."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial

from spora_build.checks.core import Violation, rule
from spora_build.checks.view import DatasetView


@rule(
    "V411", needs=["V405"], remedy="Convert the image again, or write its metadata by the OME-Zarr 0.5 specification."
)
def ome_zarr(view: DatasetView) -> Iterator[Violation]:
    """An image's metadata are valid OME-Zarr 0.5 (read by ome-zarr-models)."""
    for image in view.images:
        text = json.dumps(image.ome, sort_keys=True)
        problem = view.once(("ome", text), partial(_what_is_invalid, text))
        if problem:
            yield Violation(image.place, problem)


def _what_is_invalid(text: str) -> str:
    from ome_zarr_models.v05.image import ImageAttrs
    from pydantic import ValidationError

    try:
        ImageAttrs.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"ome.{where}: {first['msg']}" if where else first["msg"]
    return ""


@rule("V412", needs=["V405"], remedy="Write axes c (channel), y and x (space).")
def axes(view: DatasetView) -> Iterator[Violation]:
    """Axes are c of type channel, then y and x of type space."""
    for image in view.images:
        found = [(axis.get("name"), axis.get("type")) for axis in image.axes]
        if found != [("c", "channel"), ("y", "space"), ("x", "space")]:
            yield Violation(image.place, ", ".join(f"{name} ({kind})" for name, kind in found) or "no axes")


@rule("V413", needs=["V405"], remedy='Write "unit": "micrometer" for y and x.')
def units(view: DatasetView) -> Iterator[Violation]:
    """The unit of y and x is the micrometer."""
    for image in view.images:
        if [axis.get("unit") for axis in image.axes if axis.get("name") in ("y", "x")] != ["micrometer"] * 2:
            yield Violation(image.place)


@rule("V414", needs=["V405"], remedy="Move the image to the folder of its pixel size, or correct the scale.")
def scales(view: DatasetView) -> Iterator[Violation]:
    """The scale of array `0` is [1, mpp, mpp] with the pixel size of the folder."""
    for image in view.images:
        expected = [1.0, image.mpp, image.mpp]
        found = image.scale
        if found is None or len(found) != 3 or not all(map(_equal, found, expected)):
            yield Violation(image.place, f"{found} where the folder says {expected}")


def _equal(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-9)


@rule("V415", needs=["V405"], remedy='Write the dataset with path "0" first.')
def dataset_path(view: DatasetView) -> Iterator[Violation]:
    """The first dataset of the first multiscale is the array `0`."""
    for image in view.images:
        if image.first_dataset.get("path") != "0":
            yield Violation(image.place, f"{image.first_dataset.get('path')!r}")
