"""An image as a picture in colour: brightfield as it is, multiplex as a composite of chosen channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window
from spora_build.pixels.composite import Color, composite, contrast
from spora_build.pixels.rescale import Rescaled
from spora_build.report.values import LegendEntry
from spora_build.store.image import StoredImage

Limits = tuple[tuple[float, float], ...]
"""Per shown channel: the values that are black and full colour."""


@dataclass(frozen=True)
class ShownChannel:
    """A channel of a composite."""

    name: str
    color: Color
    floor: float = 0.0
    """Full colour is at least this value, so that a tissue without the marker stays dark."""


def channel_names(image: StoredImage) -> tuple[str, ...]:
    """The image's own names, numbers where it has none."""
    return image.channel_names or tuple(f"channel {at}" for at in range(image.channel_count))


def measured(image: StoredImage, wanted: Sequence[ShownChannel]) -> tuple[ShownChannel, ...]:
    """Those of the wanted channels that the image has."""
    names = channel_names(image)
    return tuple(channel for channel in wanted if channel.name in names)


def read_planes(
    image: StoredImage, shown: Sequence[ShownChannel], factor: float, window: Window | None = None
) -> NDArray[Any]:
    """(n, h, w): the shown channels (none: red, green, blue), ``factor`` times smaller, averaged over areas.

    ``window`` lies in the small image. Pixels are read in pieces, whatever the size. Raises InvalidDataError.
    """
    names = channel_names(image)
    indices = [names.index(channel.name) for channel in shown] or list(range(min(3, image.channel_count)))
    size = small_size(image.size, factor)
    view = Rescaled(image, image.size, factor, size)
    return view.read(indices, window.clip(size) if window else Window(0, 0, size.height, size.width))


def small_size(size: Size, factor: float) -> Size:
    """Size of an image made ``factor`` times smaller."""
    return Size(max(1, round(size.height / factor)), max(1, round(size.width / factor)))


def find_limits(planes: NDArray[Any], shown: Sequence[ShownChannel], tissue: NDArray[np.bool_]) -> Limits:
    """Contrast by the quantiles of the tissue's pixels; ``tissue`` (h, w) may have another size than the planes."""
    inside = resized(tissue, planes.shape[1], planes.shape[2])
    return tuple(contrast(plane, inside, c.floor) for plane, c in zip(planes, shown, strict=False))


def paint(planes: NDArray[Any], shown: Sequence[ShownChannel], limits: Limits) -> NDArray[np.uint8]:
    """(h, w, 3) picture of the planes that :func:`read_planes` gave for the same channels."""
    if shown:
        return composite(planes, limits, [channel.color for channel in shown])
    rgb = planes if len(planes) == 3 else np.repeat(planes[:1], 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(rgb, 0, -1).clip(0, 255).astype(np.uint8))


def legend(shown: Sequence[ShownChannel], limits: Limits) -> tuple[LegendEntry, ...]:
    """Which colour is which channel, and its contrast."""
    return tuple(
        LegendEntry(channel.name, "#{:02x}{:02x}{:02x}".format(*channel.color), low, high)
        for channel, (low, high) in zip(shown, limits, strict=True)
    )


def resized(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """A mask at another size, by its nearest pixels."""
    rows = ((np.arange(height) + 0.5) / height * mask.shape[0]).astype(np.int64)
    cols = ((np.arange(width) + 0.5) / width * mask.shape[1]).astype(np.int64)
    return mask[np.ix_(rows, cols)]
