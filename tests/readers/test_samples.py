"""Samples taken apart, against numpy's own indexing."""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np
import pytest

from spora_build.readers._samples import copy_sample


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("samples", [1, 3, 4, 5])
def test_a_sample_is_copied(dtype: Any, samples: int) -> None:
    pixels = np.random.default_rng(samples).integers(0, 255, (150, 90, samples)).astype(dtype)
    upright = pixels.transpose(1, 0, 2)[:90, :90]
    for part in (pixels, pixels[3:149, 5:70], pixels[:, ::2], pixels[::-1], pixels[:, ::-1], upright, pixels[:1]):
        for sample in range(samples):
            out = np.zeros((150, 90), dtype)[: part.shape[0], : part.shape[1]]
            copy_sample(part, sample, out)
            np.testing.assert_array_equal(out, part[:, :, sample])


@pytest.mark.skipif(sys.platform != "linux", reason="protects memory as Linux does")
def test_nothing_beyond_the_pixels_is_read() -> None:
    page = 4096
    room = mmap.mmap(-1, 2 * page)  # the system ends the process where it looks into the second page
    whole = np.frombuffer(room, np.uint8)
    ctypes.CDLL(None).mprotect(ctypes.c_void_p(whole.ctypes.data + page), page, 0)
    pixels = whole[: page - page % 4].reshape(32, 32, 4)
    out = np.empty((32, 32), np.uint8)
    for sample in range(4):
        for part in (pixels, pixels[::-1], np.broadcast_to(pixels[31], (32, 32, 4))):
            copy_sample(part, sample, out)
    assert not out.any()
