"""No text is suspected at the border of real pictures that have none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from spora_build.model.geometry import Size
from spora_build.pixels.overlay_text import count_text_signs
from spora_build.workflows.images.find_overlay import border_windows


def test_real_pictures_have_no_burnt_in_text(sample_data: Path) -> None:
    """At full size and as half and quarter copies: what a build looks at."""
    pages = [*sample_data.glob("*/**/HE*.tif*"), *sample_data.glob("*/**/*.svs")]
    found = {path.name: tifffile.imread(path, key=0)[..., :3] for path in pages}
    found |= {path.name: np.asarray(Image.open(path).convert("RGB")) for path in sample_data.glob("ihc-skimage/*.png")}
    assert len(found) >= 3
    for name, picture in found.items():
        for step in (1, 2, 4):
            planes = picture[::step, ::step].transpose(2, 0, 1)
            for window in border_windows(Size(planes.shape[1], planes.shape[2])):
                assert count_text_signs(np.ascontiguousarray(planes[(slice(None), *window.slices)])) == 0, name
