"""Which content a raw file had when it was last used: by its state, or by every byte where somebody asked for it."""

from __future__ import annotations

import json
from pathlib import Path

from spora_build.store.ledger import Ledger, fingerprint, fingerprint_content, fingerprint_ends

_PREFIX = "input/"
GONE = "gone"


def can_verify(ledger: Ledger, name: str) -> bool:
    """Whether every byte of the file was looked at when it was last used, or it was never used before."""
    known = ledger.entries.get(_PREFIX + name)
    return known is None or bool(json.loads(known).get("content"))


def identify(ledger: Ledger, name: str, path: Path, *, verify: bool = False) -> str:
    """A short text that changes when the file (or folder) does; the ledger remembers what it stands for.

    Size, time, and both ends of the file decide. With ``verify`` every byte does, and whatever was once verified is
    compared byte by byte whenever its state differs: a copied or touched file is then the same file.
    A file that cannot be read is ``GONE``, which is no finished work's input.
    """
    known: dict[str, str] = json.loads(ledger.entries.get(_PREFIX + name, "{}"))
    try:
        ends = fingerprint_ends(path)
        is_same = known.get("ends") == ends
        if is_same and not verify:
            return known["id"]
        content = fingerprint_content(path) if verify or known.get("content") else ""
    except OSError:
        return GONE
    if known.get("content"):
        is_same = known["content"] == content
    value = known["id"] if is_same else fingerprint(ends, content)
    ledger.record([(_PREFIX + name, json.dumps({"ends": ends, "content": content, "id": value}))])
    return value
