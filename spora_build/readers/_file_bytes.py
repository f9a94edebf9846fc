"""Bytes of a file by offset, from several threads at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from spora_build.errors import Place, Problem, UnreadableFileError


class FileBytes:
    """A file read by offset: no shared position, so threads never wait for each other (where the system has pread)."""

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise damaged(path.name, f"it cannot be opened ({error.strerror})") from error
        self.name = path.name
        """Name of the file, for messages."""
        self.size = os.fstat(self._fd).st_size
        """Bytes in the file."""
        self._lock = threading.Lock()
        self._is_open = True

    def read(self, offset: int, length: int) -> bytes:
        """Exactly ``length`` bytes from ``offset``. Raises UnreadableFileError where the file ends before."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise damaged(self.name, f"it ends at byte {self.size}, but pixels should be stored beyond that")
        if not self._is_open:
            raise ValueError(f"{self.name} is closed: pixels are read inside the `with` of open_rois")
        parts: list[bytes] = []
        while length > 0:
            part = self._read_at(offset, length)
            if not part:
                raise damaged(self.name, "it became shorter while it was read")
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_at(self, offset: int, length: int) -> bytes:
        try:
            if hasattr(os, "pread"):
                return os.pread(self._fd, length, offset)
            with self._lock:
                os.lseek(self._fd, offset, os.SEEK_SET)
                return os.read(self._fd, length)
        except OSError as error:
            raise damaged(self.name, f"the disk fails to read it ({error.strerror})") from error

    def close(self) -> None:
        """Give the descriptor back; reading afterwards is a ValueError."""
        if self._is_open:
            self._is_open = False
            os.close(self._fd)


def damaged(name: str, what: str) -> UnreadableFileError:
    """The error for a file whose bytes cannot be what its header says."""
    return UnreadableFileError(
        Problem(
            "E-TIFF-001",
            f"the file is damaged or incomplete: {what}.",
            "copy it again from its source and compare the sizes.",
            Place(file=name),
        )
    )
