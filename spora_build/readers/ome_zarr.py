"""OME-Zarr images, Zarr format 2 (NGFF 0.4 and before) and 3 (0.5), read at full resolution."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi
from spora_build.readers._dtype import with_dataset_dtype
from spora_build.readers._ngff import NgffError, NgffImage, group_attributes, parse_image, read_json, series_paths
from spora_build.readers._tiff_roi import channel_axis, refused_roi, stack_problem

_LAYOUT = "bioformats2raw.layout"
_KIND = "OME-Zarr"


@dataclass(frozen=True)
class ZarrPixels:
    """One axis of a Zarr array as channels; every other axis but y and x at its first position."""

    array: Any
    axis: int | None
    """Position of the channel axis; None where the array has none."""
    file: str

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        """See :class:`~spora_build.model.roi.PixelSource`."""
        pixels = np.empty((len(channels), window.height, window.width), self.array.dtype.newbyteorder("="))
        for first, stop in self._runs(channels):
            planes = self._read_run(first, stop, window)
            for plane, channel in zip(pixels, channels, strict=True):
                if first <= channel < stop:
                    plane[...] = planes[channel - first]
        return pixels

    def _runs(self, channels: Sequence[int]) -> list[tuple[int, int]]:
        """Ranges of channels to read together: neighbours, and those that share a chunk.

        Ranges, never lists of indices: with those zarr before 3.2 builds one coordinate per value of a shard.
        """
        together = 1 if self.axis is None else self.array.chunks[self.axis]
        runs: list[tuple[int, int]] = []
        for channel in sorted(set(channels)):
            if runs and (channel == runs[-1][1] or (runs[-1][1] - 1) // together == channel // together):
                runs[-1] = (runs[-1][0], channel + 1)
            else:
                runs.append((channel, channel + 1))
        return runs

    def _read_run(self, first: int, stop: int, window: Window) -> NDArray[Any]:
        selection: list[int | slice] = [0] * (self.array.ndim - 2)
        if self.axis is not None:
            selection[self.axis] = slice(first, stop)
        try:
            planes = np.asarray(self.array[(*selection, *window.slices)])
        except MemoryError:
            raise
        except Exception as error:  # every codec has exceptions of its own
            raise _unreadable(self.file, f"a chunk is damaged ({type(error).__name__})") from error
        return planes.reshape(stop - first, window.height, window.width)


def can_read(path: Path) -> bool:
    """Whether the folder is a Zarr group with the metadata of an image, of several, or of a plate."""
    try:
        attributes = group_attributes(path)
    except NgffError:
        return path.suffix.lower() == ".zarr"
    return attributes is not None and not attributes.keys().isdisjoint({"multiscales", _LAYOUT, "plate"})


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """The image, or every image of a folder that bioformats2raw wrote. Raises UnreadableFileError."""
    try:
        rois = _rois(path)
    except NgffError as error:
        raise _unreadable(path.name, str(error)) from error
    yield rois


def _rois(path: Path) -> list[Roi]:
    attributes = group_attributes(path)
    if attributes is None:
        raise NgffError("the folder is no Zarr group")
    if "multiscales" in attributes:
        return [_roi(path, attributes, path.name, "")]
    if "plate" in attributes:
        raise NgffError("it is a plate of many images; list the images (such as A/1/0) one by one")
    rois = []
    for name in series_paths(path):
        series = group_attributes(path / name)
        if series is None or "multiscales" not in series:
            raise NgffError("an image that its metadata name is missing or has no multiscales metadata")
        rois.append(_roi(path / name, series, path.name, name))
    if not rois:
        raise NgffError("it holds no image")
    return rois


def _roi(folder: Path, attributes: dict[str, Any], file: str, name: str) -> Roi:
    image = parse_image(attributes, file)
    array = _open_array(folder / image.array, file)
    if array.ndim != len(image.axes):
        raise NgffError(f"its metadata name {len(image.axes)} axes, the array has {array.ndim}")
    if 0 in array.shape:
        raise NgffError("its array is empty")
    sizes = dict(zip(image.axes, array.shape, strict=True))
    size = Size(sizes.pop("y"), sizes.pop("x"))
    long = channel_axis({axis.upper(): length for axis, length in sizes.items()})
    if long is None:
        problem = stack_problem({axis.upper(): length for axis, length in sizes.items()}, file)
        return refused_roi(problem, size, kind=_KIND, name=name, pixel_size=image.measured.pixel_size)
    axis = image.axes.index(long.lower()) if long.lower() in image.axes else None
    count = 1 if axis is None else array.shape[axis]
    is_rgb = image.says_colour and count == 3 and array.dtype.kind == "u"
    names, problems = _names(image, count, file) if not is_rgb else ((), ())
    chunk_rows, chunk_cols = array.chunks[-2:]
    roi = Roi(
        name=name,
        channel_names=names,
        channel_count=count,
        size=size,
        dtype=array.dtype.newbyteorder("="),
        is_rgb=is_rgb,
        pixel_size=image.measured.pixel_size,
        block=Size(min(chunk_rows, size.height), min(chunk_cols, size.width)),
        source=ZarrPixels(array, axis, file),
        format=_KIND,
        problems=(*problems, *image.measured.problems),
    )
    return with_dataset_dtype(roi, file)


def _open_array(folder: Path, file: str) -> Any:
    import zarr

    from spora_build.readers._zarr_store import WholeChunks

    metadata = read_json(folder / ("zarr.json" if (folder / "zarr.json").is_file() else ".zarray"))
    # Unpickling runs whatever the file says. Encoded anew, so that no escape hides the word.
    if "pickle" in json.dumps(metadata).lower():
        raise NgffError("its pixels are pickled Python objects, which are not safe to open")
    try:
        return zarr.open_array(store=WholeChunks(folder, is_blosc=_is_blosc(metadata)), mode="r")
    except MemoryError:
        raise
    except Exception as error:  # metadata can be wrong in as many ways as a parser has lines
        raise _unreadable(file, f"the metadata of its array make no sense ({type(error).__name__})") from error


def _is_blosc(metadata: dict[str, Any]) -> bool:
    """Whether the files of an array are Blosc frames, in either Zarr format."""
    codecs = metadata.get("codecs")
    outermost = codecs[-1] if isinstance(codecs, list) and codecs else metadata.get("compressor")
    return isinstance(outermost, dict) and "blosc" in {outermost.get("name"), outermost.get("id")}


def _names(image: NgffImage, count: int, file: str) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    names = image.channel_names
    if not names or len(names) == count:
        return tuple(name or f"Channel {index + 1}" for index, name in enumerate(names)), ()
    what = f"the metadata name {len(names)} channels, the array holds {count}: the names are left out."
    return (), (Problem("W-READ-141", what, "name the channels in the panel sheet, in order.", Place(file=file)),)


def _unreadable(file: str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-READ-140",
            f"this OME-Zarr image cannot be read: {why}.",
            "copy the whole folder again, hidden files included, or export the image anew.",
            Place(file=file),
        )
    )
