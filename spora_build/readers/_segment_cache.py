"""Decoded strips too large to decode twice: kept in bounded memory, then in temporary files."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import EnvironmentFaultError, Problem

KEEP_ABOVE_BYTES = 4 * 2**20
"""Smaller segments are decoded again when a second window cuts them: that costs a few milliseconds and no memory."""
MEMORY_BYTES = 64 * 2**20
DISK_BYTES = 32 * 2**30

Key = Hashable


class SegmentCache:
    """Least recently used arrays, at most ``memory_bytes`` of them in memory and ``disk_bytes`` in temporary files.

    An array that has to leave memory is written to an anonymous temporary file (``TMPDIR`` says where) and mapped.
    Two threads that want the same array make it once.
    """

    def __init__(self, memory_bytes: int = MEMORY_BYTES, disk_bytes: int = DISK_BYTES) -> None:
        self._bounds = {False: memory_bytes, True: disk_bytes}
        self._held: dict[bool, OrderedDict[Key, NDArray[Any]]] = {False: OrderedDict(), True: OrderedDict()}
        self._lock = threading.Lock()
        self._making: dict[Key, threading.Lock] = {}

    def get(self, key: Key, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of this key, made by ``make`` where it is not held. Not to be written to."""
        with self._lock:
            found = self._find(key)
            if found is not None:
                return found
            maker = self._making.setdefault(key, threading.Lock())
        with maker:
            with self._lock:
                found = self._find(key)
            if found is not None:
                return found
            made = make()
            with self._lock:
                self._hold(key, made)
                self._making.pop(key, None)
        return made

    @property
    def memory_bytes(self) -> int:
        """Bytes held in memory now."""
        return sum(array.nbytes for array in self._held[False].values())

    @property
    def disk_bytes(self) -> int:
        """Bytes held in temporary files now."""
        return sum(array.nbytes for array in self._held[True].values())

    def clear(self) -> None:
        """Forget everything; temporary files vanish when the last view of them is gone."""
        with self._lock:
            for held in self._held.values():
                held.clear()

    def _find(self, key: Key) -> NDArray[Any] | None:
        for held in self._held.values():
            if key in held:
                held.move_to_end(key)
                return held[key]
        return None

    def _hold(self, key: Key, array: NDArray[Any]) -> None:
        memory, disk = self._held[False], self._held[True]
        memory[key] = array
        while self.memory_bytes > self._bounds[False]:
            oldest, leaving = memory.popitem(last=False)
            if leaving.nbytes <= self._bounds[True]:
                disk[oldest] = _on_disk(leaving)
        while self.disk_bytes > self._bounds[True]:
            disk.popitem(last=False)


def _on_disk(array: NDArray[Any]) -> NDArray[Any]:
    try:
        with tempfile.TemporaryFile(prefix="spora-build-") as file:
            np.ascontiguousarray(array).tofile(file)
            file.flush()
            return np.memmap(file, dtype=array.dtype, mode="r", shape=array.shape)
    except OSError as error:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-020",
                f"no room for {array.nbytes / 2**20:.0f} MiB of decoded pixels in the temporary folder"
                f" ({error.strerror}).",
                "set TMPDIR to a folder on a disk with more room, or store the image in tiles.",
            )
        ) from error
