"""How much memory a job may need, told before it runs from what the plan knows of its pixels."""

from __future__ import annotations

from spora_build.workflows.images.write import ImagesJob

PROCESS_BYTES = 300_000_000
"""Interpreter, packages and compiled kernels of one process."""
_SIDE_PX = 1024
_STRIPED_BYTES = 256 * 2**20
_COPIES = 2
"""Of a window: as decoded and as averaged."""
_CHUNK_PX, _CHUNKS = 256, 3
"""Of each thread: pixels, room for compressed bytes, and one more on its way."""


def images_need(job: ImagesJob) -> int:
    """Bytes for writing the images of a tissue: process + threads × (windows + chunks), whatever the image's size.

    A window is what :mod:`spora_build.store.windows` allows: 1024² pixels of all channels, or 256 MiB where the raw
    file is stored in strips, which the plan does not know; and never more than the whole image.
    """
    needs = []
    for image in job.tissue.images:
        whole = image.size.height * image.size.width * image.bytes_per_px
        window = min(max(_SIDE_PX**2 * image.bytes_per_px, _STRIPED_BYTES), whole)
        needs.append(_COPIES * window + _CHUNKS * _CHUNK_PX**2 * image.bytes_per_px)
    return PROCESS_BYTES + job.threads * max(needs)
