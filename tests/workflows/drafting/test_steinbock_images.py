"""images.csv of steinbock tells of the images that it describes, and of no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from spora_build.workflows.drafting.find_acquisitions import find_acquisitions
from spora_build.workflows.drafting.steinbock_images import imc_pixel_sizes

HEADER = "image,width_px,height_px,acquisition_width_um,acquisition_height_um\n"


@pytest.mark.parametrize(
    ("listed", "mpp"),
    [
        ("a_001.tiff,60,40,60.0,40.0", 1.0),
        ("a_001.tiff,60,40,30.0,20.0", 0.5),
        ("a_001.tiff,60,40,30.0,40.0", None),  # axes that differ
        ("a_001.tiff,61,40,61.0,40.0", None),  # another image of this name
        ("a_001.tiff,60,40,,", None),
        ("a_001.tiff,60,40,0,0", None),
        ("b_001.tiff,60,40,60.0,40.0", None),
    ],
)
def test_pixel_size_is_that_of_the_listed_acquisition(tmp_path: Path, listed: str, mpp: float | None) -> None:
    (tmp_path / "img").mkdir()
    tifffile.imwrite(tmp_path / "img" / "a_001.tiff", np.zeros((5, 40, 60), np.float32))
    (tmp_path / "images.csv").write_text(f"{HEADER}{listed}\n")
    images, _ = find_acquisitions(tmp_path)
    assert list(imc_pixel_sizes(tmp_path, images).values()) == ([] if mpp is None else [mpp])


def test_a_list_of_something_else_says_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tiff", np.zeros((5, 40, 60), np.float32))
    (tmp_path / "images.csv").write_text("image,width_px,height_px\na.tiff,60,40\n")
    images, _ = find_acquisitions(tmp_path)
    assert imc_pixel_sizes(tmp_path, images) == {}
