"""OME-Zarr images made by code, with metadata as wrong as a test wants them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray


def multiscales(axes: str, scale: list[float] | None, unit: str | None) -> dict[str, Any]:
    """A ``multiscales`` entry with two levels."""
    kinds = {"t": "time", "c": "channel"}
    listed = [{"name": axis, "type": kinds.get(axis, "space")} for axis in axes]
    for axis in listed:
        if axis["type"] == "space" and unit:
            axis["unit"] = unit
    datasets: list[dict[str, Any]] = [{"path": "0"}, {"path": "1"}]
    if scale is not None:
        for dataset, factor in zip(datasets, (1, 2), strict=True):
            values = [value * factor for value in scale]
            dataset["coordinateTransformations"] = [{"type": "scale", "scale": values}]
    return {"name": "made", "axes": listed, "datasets": datasets}


def write_ome_zarr(
    path: Path,
    pixels: NDArray[Any],
    *,
    axes: str = "cyx",
    zarr_format: Any = 3,
    mpp: float | None = 0.5,
    unit: str | None = "micrometer",
    omero: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    **array_options: Any,
) -> Path:
    """Write the image and a smaller level of other values; ``changes`` are made to the ``multiscales`` entry."""
    scale = None if mpp is None else [mpp if axis in "yx" else 1.0 for axis in axes]
    multiscale = multiscales(axes, scale, unit) | (changes or {})
    ome: dict[str, Any] = {"multiscales": [multiscale]}
    if omero:
        ome["omero"] = omero
    if zarr_format == 2:
        multiscale["version"] = "0.4"
    group = zarr.open_group(
        str(path),
        mode="w",
        zarr_format=zarr_format,
        attributes={"ome": {"version": "0.5", **ome}} if zarr_format == 3 else ome,
    )
    for name, level in (("0", pixels), ("1", pixels[..., ::2, ::2] // 2)):
        array = group.create_array(name, shape=level.shape, dtype=level.dtype, **array_options)
        array[...] = level
    return path
