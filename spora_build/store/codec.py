"""How the pixels of one chunk become bytes: four named codecs, each readable by zarr-python without plug-ins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

Json = dict[str, Any]
_lib: Any = imagecodecs  # its type hints know no arrays
MAX_CHUNK_BYTES = 2**31 - 1 - 16
"""Blosc counts in signed 32-bit integers and needs 16 bytes for its header."""
_BLOCK_BYTES = 2**20
_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")


@dataclass(frozen=True)
class Blosc:
    """Settings of Zarr's ``blosc`` codec."""

    compressor: str
    level: int
    block_bytes: int
    """0: blosc's own choice."""
    bitshuffle: bool
    """False: bytes are shuffled, or bits where a value is one byte (shuffling single bytes does nothing)."""

    def shuffle(self, dtype: np.dtype[Any]) -> int:
        """Blosc's number of the filter: 1 bytes, 2 bits."""
        return 2 if self.bitshuffle or dtype.itemsize == 1 else 1

    def metadata(self, dtype: np.dtype[Any]) -> list[Json]:
        """The codec as ``zarr.json`` names it."""
        configuration = {
            "typesize": dtype.itemsize,
            "cname": self.compressor,
            "clevel": self.level,
            "shuffle": _SHUFFLES[self.shuffle(dtype)],
            "blocksize": self.block_bytes,
        }
        return [{"name": "blosc", "configuration": configuration}]

    def encode(self, pixels: NDArray[Any], room: memoryview) -> memoryview:
        """Bytes of a contiguous array, held in ``room``."""
        # one thread and its own context: blosc's global state would make threads wait for each other
        return memoryview(
            _lib.blosc_encode(
                pixels,
                level=self.level,
                compressor=self.compressor,
                shuffle=self.shuffle(pixels.dtype),
                typesize=pixels.dtype.itemsize,
                blocksize=self.block_bytes,
                numthreads=1,
                out=room,
            )
        )


@dataclass(frozen=True)
class Zstd:
    """Settings of Zarr's ``zstd`` codec."""

    level: int

    def metadata(self, dtype: np.dtype[Any]) -> list[Json]:
        """The codec as ``zarr.json`` names it."""
        return [{"name": "zstd", "configuration": {"level": self.level, "checksum": False}}]

    def encode(self, pixels: NDArray[Any], room: memoryview) -> memoryview:
        """Bytes of a contiguous array, held in ``room``."""
        return memoryview(_lib.zstd_encode(pixels, level=self.level, out=room))


@dataclass(frozen=True)
class Raw:
    """No compression."""

    def metadata(self, dtype: np.dtype[Any]) -> list[Json]:
        """No codec in ``zarr.json`` beyond the byte order."""
        return []

    def encode(self, pixels: NDArray[Any], room: memoryview) -> memoryview:
        """The array's own bytes; ``room`` stays unused."""
        return pixels.reshape(-1).view(np.uint8).data


Codec = Blosc | Zstd | Raw

CODECS: Mapping[str, Codec] = {
    "blosc-zstd": Blosc("zstd", 1, _BLOCK_BYTES, bitshuffle=False),
    "blosc-lz4": Blosc("lz4", 9, 0, bitshuffle=True),
    "zstd": Zstd(1),
    "none": Raw(),
}
"""Codecs that a person may ask for by name."""


def default_codec(dtype: np.dtype[Any], *, is_rgb: bool) -> str:
    """The name in CODECS for this kind of pixel; ``docs/decisions/0002-image-codecs.md`` has the numbers.

    Only from lz4 are tiles of many channels read as fast as the published ones. RGB and the floats of mass cytometry
    gain more from zstd than their tiles lose.
    """
    return "zstd" if is_rgb or dtype.kind == "f" else "blosc-lz4"


def room_for(nbytes: int) -> memoryview:
    """A buffer that holds any codec's output for ``nbytes`` of pixels."""
    return np.empty(nbytes + nbytes // 128 + 1024, np.uint8).data  # a bytearray would be zeroed first


def chunk_codecs(codec: Codec, dtype: np.dtype[Any]) -> list[Json]:
    """The ``codecs`` of a chunk in ``zarr.json``."""
    order: Json = {"name": "bytes"}
    if dtype.itemsize > 1:
        order["configuration"] = {"endian": "little"}
    return [order, *codec.metadata(dtype)]


Decode = Callable[[bytes, NDArray[np.uint8]], None]
"""Fill a flat buffer with the bytes of one chunk; raises ValueError or RuntimeError where they do not fit."""


def find_decoder(codecs: Sequence[Json], dtype: np.dtype[Any]) -> Decode | None:
    """The decoder for the ``codecs`` of a chunk, None where zarr-python has to do it."""
    if not codecs or codecs[0].get("name") != "bytes":
        return None
    if dtype.itemsize > 1 and codecs[0].get("configuration", {}).get("endian", "little") != "little":
        return None
    names = [codec.get("name") for codec in codecs[1:]]
    if not names:
        return _copy
    return {"blosc": _blosc, "zstd": _zstd}.get(str(names[0])) if len(names) == 1 else None


def _copy(data: bytes, out: NDArray[np.uint8]) -> None:
    out[:] = np.frombuffer(data, np.uint8)


def _blosc(data: bytes, out: NDArray[np.uint8]) -> None:
    _check(_lib.blosc_decode(data, numthreads=1, out=out), out)


def _zstd(data: bytes, out: NDArray[np.uint8]) -> None:
    _check(_lib.zstd_decode(data, out=out), out)


def _check(decoded: Any, out: NDArray[np.uint8]) -> None:
    if memoryview(decoded).nbytes != out.nbytes:
        raise ValueError("a chunk holds another number of pixels than the array's metadata say")
