"""Samples taken apart, against numpy's own indexing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spora_build.readers._samples import copy_sample


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("samples", [1, 3, 4, 5])
def test_a_sample_is_copied(dtype: Any, samples: int) -> None:
    pixels = np.random.default_rng(samples).integers(0, 255, (150, 90, samples)).astype(dtype)
    for part in (pixels, pixels[3:149, 5:70], pixels[:, ::2]):
        for sample in range(samples):
            out = np.zeros((150, 90), dtype)[: part.shape[0], : part.shape[1]]
            copy_sample(part, sample, out)
            np.testing.assert_array_equal(out, part[:, :, sample])
