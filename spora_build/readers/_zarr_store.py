"""A local Zarr store that notices chunks which were cut off. Imports zarr: import it late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zarr.storage import LocalStore

_BLOSC_HEADER = 16
_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup")


class WholeChunks(LocalStore):
    """Reads like its parent, but refuses Blosc chunks that are shorter than their own header says.

    Blosc itself is never told where the bytes end: it decodes a cut-off chunk to garbage without an error.
    """

    def __init__(self, root: Path, *, is_blosc: bool) -> None:
        super().__init__(root, read_only=True)
        self._is_blosc = is_blosc

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """See ``LocalStore.get``. Raises ValueError for a cut-off chunk, OSError where the whole array has gone."""
        value = await super().get(key, *args, **kwargs)
        is_chunk = key.rpartition("/")[2] not in _METADATA
        if value is None and is_chunk and not any((self.root / name).is_file() for name in _METADATA):
            raise FileNotFoundError("the array is gone")  # a missing chunk stands for zeros in one that is there
        if value is not None and self._is_blosc and is_chunk:
            header = value.as_numpy_array()[:_BLOSC_HEADER].tobytes()
            if len(header) < _BLOSC_HEADER or len(value) < int.from_bytes(header[12:16], "little"):
                raise ValueError(f"chunk {key} is cut off")
        return value
