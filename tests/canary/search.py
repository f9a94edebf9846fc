"""Look for canaries in every byte that a folder shares: names, files, decoded tables, masks and chunks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import zarr

MARK = "canaryzq"
"""Every token starts with it; nothing else in the world does."""
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")
DATES = ("1987-06-05", "1987:06:05", "05/06/87")
"""Acquisition dates cannot be tokens: readers parse them."""


def in_bytes(data: bytes) -> set[str]:
    """Marks and dates in bytes of any encoding; a mark with the number behind it."""
    folded = data.lower()
    found = set()
    for encoding in ENCODINGS:
        width = len("a".encode(encoding))
        for mark in (MARK, *DATES):
            pattern = mark.encode(encoding)
            start = folded.find(pattern)
            while start >= 0:
                behind = folded[start : start + len(pattern) + 3 * width].decode(encoding, "replace")
                found.add(behind if mark == MARK else mark)
                start = folded.find(pattern, start + 1)
    return found


def shared_pieces(root: Path) -> Iterator[tuple[str, bytes]]:
    """(place, bytes) of all there is below a folder: as it lies on disk, and decoded by libraries of others."""
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        yield place, place.encode()
        if path.is_symlink():
            yield place, str(path.readlink()).encode()
        if not path.is_file():
            continue
        yield place, path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            yield place, str(table.schema).encode() + repr(table.schema.metadata).encode()
            yield place, repr(table.to_pydict()).encode()
        elif path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    yield f"{place}:{member}", archive.read(member)
        elif path.name == "zarr.json" and (path.parent / "c").exists():
            array = zarr.open_array(path.parent, mode="r")
            yield place, repr(dict(array.attrs)).encode() + array[...].tobytes()  # type: ignore[union-attr]


def canaries(root: Path) -> dict[str, set[str]]:
    """Places with canaries, and which."""
    found: dict[str, set[str]] = {}
    for place, data in shared_pieces(root):
        if here := in_bytes(data):
            found.setdefault(place, set()).update(here)
    return found


def tokens_in(text: str) -> set[str]:
    """Tokens in what a command printed."""
    return set(re.findall(MARK + r"\d{3}", text.lower())) | {date for date in DATES if date in text}
