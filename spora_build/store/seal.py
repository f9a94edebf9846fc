"""Seals: short texts by which finished outputs are recognised, read from a few bytes of each file.

An output that is torn, cut off, emptied or lacks a part has no seal or another one, so that nothing that was written
down about it is believed over it. Seals do not depend on times or places: a copied dataset has the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

from spora_build.errors import InvalidDataError
from spora_build.store.mask import read_mask_header
from spora_build.store.shard import read_index

_PARQUET = b"PAR1"
_WHOLE_BYTES = 16 << 20
"""Tables up to this size are hashed whole, larger ones by their footer: offsets and ranges of all columns."""


def seal_image(path: Path) -> str | None:
    """Seal of an image: its metadata, and name, size and index of every shard. None where any of it is damaged."""
    try:
        return _seal_image(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return None


def _seal_image(path: Path) -> str:
    digest = hashlib.sha256((path / "zarr.json").read_bytes())
    ome = json.loads((path / "zarr.json").read_bytes())["attributes"]["ome"]
    for dataset in ome["multiscales"][0]["datasets"]:
        array = path / dataset["path"]
        metadata = (array / "zarr.json").read_bytes()
        digest.update(metadata)
        grid = _grid(json.loads(metadata))
        for shard in sorted(_files(array / "c")):
            with shard.open("rb", buffering=0) as file:
                index = read_index(file, grid)
                size = os.fstat(file.fileno()).st_size
            digest.update(f"{shard.relative_to(array).as_posix()}\0{size}\n".encode())
            digest.update(index.tobytes())
    return digest.hexdigest()[:32]


def _grid(metadata: dict[str, Any]) -> tuple[int, int]:
    shard = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    chunk = metadata["codecs"][0]["configuration"]["chunk_shape"]
    return shard[1] // chunk[1], shard[2] // chunk[2]


def _files(folder: Path) -> list[Path]:
    return [Path(at) / name for at, _, names in os.walk(folder) for name in names]


def seal_mask(path: Path) -> str | None:
    """Seal of an ``.npz`` mask: names, sizes and checksums of its members. None where it is damaged."""
    try:
        read_mask_header(path)
        with zipfile.ZipFile(path) as archive:
            members = [(m.filename, m.file_size, m.compress_size, m.CRC) for m in archive.infolist()]
    except (InvalidDataError, OSError, ValueError, zipfile.BadZipFile):
        return None
    return hashlib.sha256(repr(members).encode()).hexdigest()[:32]


def seal_table(path: Path) -> str | None:
    """Seal of a parquet table: its bytes, or the footer of a large one. None where it is cut off or no parquet file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            head = file.read(4)
            file.seek(max(0, size - 8))
            footer_bytes, tail = struct.unpack("<I4s", file.read(8))
            if head != _PARQUET or tail != _PARQUET or not 0 < footer_bytes <= size - 12:
                return None
            file.seek(0 if size <= _WHOLE_BYTES else size - 8 - footer_bytes)
            digest = hashlib.sha256(f"{size}\0".encode())
            while piece := file.read(1 << 20):
                digest.update(piece)
    except (OSError, struct.error):
        return None
    return digest.hexdigest()[:32]
