"""Cells of an AnnData file (``.h5ad``): its ``obs`` as a table of text, with the places of ``obsm["spatial"]``.

The layout of the file is that of https://anndata.readthedocs.io/en/stable/fileformat-prose.html, read with h5py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from spora_build.errors import EnvironmentFaultError, Place, Problem

SPATIAL = ("centroid_x", "centroid_y")


class UnreadableAnnDataError(Exception):
    """The file is no AnnData."""


def read_obs(path: Path, file: str) -> pa.Table:
    """One string column per column of ``obs``, null where missing; the measurements of ``X`` are left alone.

    Raises UnreadableAnnDataError, and EnvironmentFaultError where the package h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-020",
                "reading .h5ad files needs the package h5py, which is not installed.",
                "install it (pip install 'spora-build[anndata]'), or save adata.obs as cells.csv.",
                Place(file=file),
            )
        ) from error
    try:
        with h5py.File(path, "r") as stored:
            obs = stored["obs"]
            names = [_text(name) for name in obs.attrs["column-order"]]
            columns = {name: _column(obs[name], obs) for name in names}
            spatial: Any = np.asarray(stored["obsm/spatial"][:]) if "obsm/spatial" in stored else np.empty(0)
        if spatial.ndim == 2 and spatial.shape[1] >= 2:
            for at, name in enumerate(SPATIAL):
                columns.setdefault(name, pa.array(spatial[:, at].astype(np.float64)).cast(pa.string()))
        return pa.table(columns)
    except (OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, pa.ArrowException) as error:
        raise UnreadableAnnDataError from error


def _column(stored: Any, obs: Any) -> pa.Array:
    """One column as text."""
    if hasattr(stored, "keys"):
        if "categories" in stored:  # categorical: positions of texts, -1 where missing
            return _categorical(_values(stored["categories"]), stored["codes"][:])
        mask = stored["mask"][:] if "mask" in stored else None  # nullable integers, booleans, strings
        return pa.array(_plain(stored["values"]), mask=mask).cast(pa.string())
    if "categories" in stored.attrs:  # files written before anndata 0.7
        return _categorical(_values(obs[stored.attrs["categories"]]), stored[:])
    return _values(stored)


def _values(stored: Any) -> pa.Array:
    if hasattr(stored, "keys"):
        return _column(stored, stored)
    return pa.array(_plain(stored), from_pandas=True).cast(pa.string())


def _plain(stored: Any) -> Any:
    values = stored[:]
    return [_text(value) for value in values] if values.dtype.kind in "OS" else values


def _categorical(categories: pa.Array, codes: Any) -> pa.Array:
    codes = np.asarray(codes, np.int64)
    return categories.take(pa.array(np.where(codes < 0, 0, codes), mask=codes < 0))


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
