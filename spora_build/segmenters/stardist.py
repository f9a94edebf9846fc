"""StarDist 2D: star-convex nuclei in one nuclear plane."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.segmenters._trained import TrainedSegmenter


def _load(weights: Path) -> Any:
    from stardist.models import StarDist2D

    model = StarDist2D(None, name=weights.resolve().name, basedir=str(weights.resolve().parent))
    if model.config.n_channel_in != 1:
        raise ValueError("a model of pictures in colours")
    return model


def _look(model: Any, pixels: NDArray[np.float32], mpp: float, model_mpp: float | None) -> NDArray[Any]:
    scale = None if model_mpp is None else mpp / model_mpp
    labels, _ = model.predict_instances(pixels[0], axes="YX", scale=scale, show_tile_progress=False)
    return np.asarray(labels)


def _is_model(weights: Path) -> bool:
    return (weights / "config.json").is_file()


SEGMENTER = TrainedSegmenter(
    package="stardist",
    distribution="stardist",
    extra="stardist",
    load=_load,
    look=_look,
    percentiles=(1.0, 99.8),
    finds_nuclei=True,
    weights_are="the folder of a StarDist model of one channel, with config.json and weights_best.h5 in it"
    " (2D_versatile_fluo, unpacked; Keras keeps it in ~/.keras/models/StarDist2D)",
    is_weights=_is_model,
)
