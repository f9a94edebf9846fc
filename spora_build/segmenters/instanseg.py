"""InstanSeg: cells, from a nuclear stain and where there is one a stain of cell bodies."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.segmenters._trained import TrainedSegmenter


def _load(weights: Path) -> Any:
    import torch
    from instanseg import InstanSeg

    return InstanSeg(torch.jit.load(str(weights), map_location="cpu"), image_reader="skimage.io", verbosity=0)


def _look(model: Any, pixels: NDArray[np.float32], mpp: float, model_mpp: float | None) -> NDArray[Any]:
    # InstanSeg resizes to the pixel size that its weights name
    seen_mpp = mpp if model_mpp is None else mpp / model_mpp * float(model.instanseg.pixel_size)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="CUDA is not available")  # it asks for CUDA's autocast in any case
        labels = model.eval_small_image(
            pixels, pixel_size=seen_mpp, normalise=False, return_image_tensor=False, target="cells"
        )
    return np.asarray(labels.cpu().numpy()[0, -1])


SEGMENTER = TrainedSegmenter(
    package="instanseg",
    distribution="instanseg-torch",
    extra="instanseg",
    load=_load,
    look=_look,
    percentiles=(0.1, 99.9),
    finds_nuclei=False,
    weights_are="the file instanseg.pt of an InstanSeg model (fluorescence_nuclei_and_cells)",
)
