"""Burnt-in text: found on drawn and real tissue, and nothing found where there is none."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from spora_build.example.tissue import draw_hematoxylin_eosin, make_tissue
from spora_build.pixels.overlay_text import count_text_signs

TEXTS = ("S12-34567 A1", "MUSTER HANS 1950", "2021-03-04 10:22", "patient 00471", "Name: Keller, A.")
SIZES = (14, 20, 32, 64)
BLACK, YELLOW, RED, WHITE = (0, 0, 0), (255, 255, 0), (255, 0, 0), (255, 255, 255)


def grounds() -> dict[str, NDArray[np.uint8]]:
    return {
        "ihc": skimage.data.immunohistochemistry(),
        "he": draw_hematoxylin_eosin(make_tissue(320, 640, seed=1), 1),
    }


def planes(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(picture.transpose(2, 0, 1)[:3])


def with_text(
    ground: NDArray[np.uint8], text: str, size: int, colour: tuple[int, int, int], quality: int | None = None
) -> NDArray[np.uint8]:
    image = Image.fromarray(ground).convert("RGB")
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(image)
    while draw.textlength(text, font) > image.width - 12:
        text = text[:-1]
    draw.text((8, 8), text, fill=colour, font=font)
    if quality is not None:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, subsampling=0)
        image = Image.open(stream)
    return planes(np.asarray(image))


def test_recall_on_tissue() -> None:
    strips = [ground[:128] for ground in grounds().values()]
    cases = list(itertools.product(strips, TEXTS, SIZES, (BLACK, YELLOW, RED), (None, 90)))[::3]
    found = sum(count_text_signs(with_text(*case)[:, :96]) > 0 for case in cases)
    print(f"burnt-in text: {found} of {len(cases)} found")
    assert found >= 0.85 * len(cases)


@pytest.mark.parametrize("size", [16, 40])
def test_turned_text_is_found(size: int) -> None:
    ground = np.ascontiguousarray(grounds()["ihc"].transpose(1, 0, 2))
    assert count_text_signs(with_text(ground, TEXTS[1], size, WHITE).transpose(0, 2, 1)) >= 5


@pytest.mark.parametrize("name", ["immunohistochemistry", "retina", "astronaut", "coffee", "rocket", "cat", "chelsea"])
def test_real_pictures_without_text(name: str) -> None:
    assert count_text_signs(planes(getattr(skimage.data, name)())) == 0


@pytest.mark.parametrize("seed", range(4))
def test_drawn_tissue_without_text(seed: int) -> None:
    assert count_text_signs(planes(draw_hematoxylin_eosin(make_tissue(320, 384, seed), seed))) == 0


@pytest.mark.parametrize("scale_px", [1, 2, 3, 5, 8])
def test_hard_edged_noise_is_no_text(scale_px: int) -> None:
    field = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(3, 256, 256)), (0, scale_px, scale_px))
    assert count_text_signs(np.where(field > 0, 255, 0).astype(np.uint8)) == 0


def test_rows_of_equal_disks_are_no_text() -> None:
    """A tissue microarray seen from afar, a row of nuclei, a dotted line."""
    rows, cols = np.mgrid[0:200, 0:600]
    for radius in (5, 8, 14, 30):
        disks = np.hypot(rows % 70 - 35, cols % 70 - 35) < radius
        assert count_text_signs(np.where(disks, 10, 245).astype(np.uint8)[None].repeat(3, 0)) == 0
