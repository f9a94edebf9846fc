"""Burnt-in text: found on drawn and real tissue, and nothing found where there is none."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys

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


def drawn_letters(count: int) -> NDArray[np.uint8]:
    """As many letters N of the least height in a row, black on white, their feet a little uneven."""
    picture = np.full((3, 24, 120), 255, np.uint8)
    for at in range(count):
        top, left = 8 + at % 2, 4 + 9 * at
        picture[:, top : top + 7, [left, left + 5]] = 0
        picture[:, top + np.arange(6), left + np.arange(6)] = 0
    return picture


@pytest.mark.parametrize(("count", "found"), [(4, 0), (5, 5), (12, 12)])
def test_the_least_that_is_text_is_found_however_it_is_turned(count: int, found: int) -> None:
    picture = drawn_letters(count)
    assert count_text_signs(picture) == count_text_signs(picture.transpose(0, 2, 1)) == found


def test_glass_alone_asks_for_no_labels() -> None:
    code = (
        "import sys, numpy; from spora_build.pixels.overlay_text import count_text_signs;"
        "print(count_text_signs(numpy.full((3, 256, 512), 244, numpy.uint8)), 'scipy' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["0", "False"]
