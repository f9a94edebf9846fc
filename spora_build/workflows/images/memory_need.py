"""How much memory a job may need, told before it runs from what the plan knows of its pixels."""

from __future__ import annotations

import numpy as np

from spora_build.pixels.foreground import MOST_VALUES
from spora_build.workflows.images.write import ImagesJob
from spora_build.workflows.planning.plan import PlannedImage
from spora_build.workflows.running.executors import PROCESS_BYTES

_SIDE_PX = 1024
_STRIPED_BYTES = 256 * 2**20
_COPIES = 2
"""Of a window: as decoded and as averaged."""
_CHUNK_PX, _CHUNKS = 256, 3
"""Of each thread: pixels, room for compressed bytes, and one more on its way."""


def images_need(job: ImagesJob) -> int:
    """Bytes for writing the images of a tissue, one after the other."""
    return max(image_need(image, job.threads) for image in job.tissue.images)


def image_need(image: PlannedImage, threads: int) -> int:
    """Bytes for writing an image, or a part of it: process + threads × (windows + chunks) + the small picture for its
    mask, whatever the image's size.

    A window is what :mod:`spora_build.store.windows` allows: 1024² pixels of all channels, or 256 MiB where the raw
    file is stored in strips, which the plan does not know; and never more than the whole image.
    """
    whole = image.size.height * image.size.width * image.bytes_per_px
    window = min(max(_SIDE_PX**2 * image.bytes_per_px, _STRIPED_BYTES), whole)
    picture = min(whole // 4, MOST_VALUES * np.dtype(image.dtype).itemsize)
    return PROCESS_BYTES + picture + threads * (_COPIES * window + _CHUNKS * _CHUNK_PX**2 * image.bytes_per_px)
