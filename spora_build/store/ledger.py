"""What was built from which input with which settings: a private, append-only file beside the dataset.

A key names one piece of work (``images/imc/1.0/<tissue_id>``), its value the fingerprint of everything that shaped it.
Work that replaces something is announced first (:meth:`Ledger.begin`): whatever stands there after a crash, old, new
or half of each, is then nobody's finished work.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "ledger.jsonl"
BEGUN = "begun"
"""Value of work that was begun and not finished."""
_SAMPLE_BYTES = 256 << 10


def fingerprint_file(path: Path) -> str:
    """Size and modification time of a file, or of every file in a folder, as one short text."""
    digest = hashlib.sha256()
    for member in _members(path):
        state = member.stat()
        digest.update(f"{member.relative_to(path)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def fingerprint_ends(path: Path) -> str:
    """As :func:`fingerprint_file`, and the first and last quarter of a megabyte of a file: headers are at an end."""
    digest = hashlib.sha256(fingerprint_file(path).encode())
    if path.is_file():
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, path.stat().st_size - _SAMPLE_BYTES))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:32]


def fingerprint_content(path: Path) -> str:
    """Every byte of a file, or of every file in a folder, whatever its time."""
    digest = hashlib.sha256()
    for member in _members(path):
        digest.update(f"{member.relative_to(path)}\0{member.stat().st_size}\n".encode())
        with member.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()[:32]


def _members(path: Path) -> list[Path]:
    return sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]


def fingerprint(*parts: object) -> str:
    """One short text for settings and input fingerprints: equal parts, equal text, in every process."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


@dataclass
class Ledger:
    """Fingerprints of finished work by key, kept in ``<name>.private``."""

    path: Path
    entries: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, private: Path, file_name: str = FILE_NAME) -> Ledger:
        """The ledger of a dataset; empty where there is none. Lines that a crash tore or emptied are ignored."""
        ledger = cls(private / file_name)
        if ledger.path.exists():
            for line in ledger.path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, str) for part in entry):
                    ledger.entries[entry[0]] = entry[1]
        return ledger

    def matches(self, key: str, value: str) -> bool:
        """Whether this work was finished with just these inputs and settings."""
        return self.entries.get(key) == value

    def was_begun(self, key: str) -> bool:
        """Whether this work was begun and never finished."""
        return self.entries.get(key) == BEGUN

    def begin(self, keys: Iterable[str]) -> None:
        """Announce work that may replace something, on disk before this returns."""
        self.record((key, BEGUN) for key in keys)

    def record(self, finished: Iterable[tuple[str, str]]) -> None:
        """Remember finished work, on disk before this returns."""
        lines = []
        for key, value in finished:
            if self.entries.get(key) != value:
                self.entries[key] = value
                lines.append(json.dumps([key, value]) + "\n")
        if not lines:
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if not _ends_with_newline(self.path):
                file.write("\n")
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
