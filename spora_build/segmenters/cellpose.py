"""Cellpose 4 (Cellpose-SAM): cells, from a nuclear stain and where there is one a stain of cell bodies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.segmenters._trained import TrainedSegmenter

_DIAMETER_PX = 30.0
"""Cellpose resizes so that cells of the diameter it is told become this large."""


def _load(weights: Path) -> Any:
    import torch
    from cellpose.models import CellposeModel

    return CellposeModel(gpu=torch.cuda.is_available(), pretrained_model=str(weights))


def _look(model: Any, pixels: NDArray[np.float32], mpp: float, model_mpp: float | None) -> NDArray[Any]:
    image = np.zeros((*pixels.shape[1:], 3), np.float32)
    image[..., : len(pixels)] = np.moveaxis(pixels[::-1], 0, -1)  # bodies before nuclei, as Cellpose was trained
    diameter = None if model_mpp is None else _DIAMETER_PX * model_mpp / mpp
    labels, _, _ = model.eval(image, channel_axis=-1, normalize=False, diameter=diameter)
    return np.asarray(labels)


SEGMENTER = TrainedSegmenter(
    package="cellpose",
    distribution="cellpose",
    extra="cellpose",
    load=_load,
    look=_look,
    percentiles=(1.0, 99.0),
    finds_nuclei=False,
    weights_are="a file that Cellpose 4 can read; it keeps its own in ~/.cellpose/models (cpsam_v2)",
)
