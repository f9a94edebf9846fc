"""What was built from which input with which settings: a private, append-only file beside the dataset."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FILE_NAME = "ledger.jsonl"


def fingerprint_file(path: Path) -> str:
    """Size and modification time of a file, or of every file in a folder, as one short text."""
    digest = hashlib.sha256()
    members = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for member in members:
        state = member.stat()
        digest.update(f"{member.relative_to(path)}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def fingerprint(*parts: object) -> str:
    """One short text for settings and input fingerprints: equal parts, equal text, in every process."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


@dataclass
class Ledger:
    """Fingerprints of finished work by key (``images/imc/1_0mpp/<tissue_id>``), kept in ``<name>.private``."""

    path: Path
    entries: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, private: Path, file_name: str = FILE_NAME) -> Ledger:
        """The ledger of a dataset; empty where there is none. A last line torn by a crash is ignored."""
        ledger = cls(private / file_name)
        if ledger.path.exists():
            for line in ledger.path.read_text(encoding="utf-8").splitlines():
                try:
                    key, value = json.loads(line)
                except ValueError:
                    continue
                ledger.entries[key] = value
        return ledger

    def matches(self, key: str, value: str) -> bool:
        """Whether this work was finished with just these inputs and settings."""
        return self.entries.get(key) == value

    def record(self, finished: Iterable[tuple[str, str]]) -> None:
        """Remember finished work, on disk before this returns."""
        lines = []
        for key, value in finished:
            if self.entries.get(key) != value:
                self.entries[key] = value
                lines.append(json.dumps([key, value]) + "\n")
        if not lines:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
