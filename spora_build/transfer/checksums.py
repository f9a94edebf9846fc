"""SHA-256 of every file, in the form that ``sha256sum`` writes and checks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_PIECE = 1 << 20
_LINE = re.compile(r"^([0-9a-f]{64}) [ *](.+)$")


@dataclass(frozen=True)
class Digest:
    """What is known of a file's bytes."""

    size: int
    """Bytes."""
    sha256: str
    md5: str
    """Not for security: the checksum that buckets tell."""


def digest_file(path: Path) -> Digest:
    """Size and both checksums of a file, read once. Raises OSError."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    buffer = bytearray(_PIECE)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            sha256.update(view[:count])
            md5.update(view[:count])
            size += count
    return Digest(size, sha256.hexdigest(), md5.hexdigest())


def format_checksums(checksums: Mapping[str, str]) -> str:
    """Text of a checksum file: SHA-256 by path relative to the dataset, sorted by path."""
    return "".join(f"{checksums[path]}  {path}\n" for path in sorted(checksums))


def parse_checksums(text: str) -> dict[str, str]:
    """SHA-256 by path. Raises ValueError for a line of another form, or a path that leads out of the dataset."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or not is_inside(match[2]):
            raise ValueError("not a checksum file")
        found[match[2]] = match[1]
    return found


def is_inside(path: str) -> bool:
    """Whether a relative path stays below the folder it starts from, on every system."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts) and path == "/".join(parts) and ".." not in parts and not path.startswith("/") and "\\" not in path
    )
