"""The files of a dataset that may travel, and their checksums, each read once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, Problem
from spora_build.store.atomic import TEMPORARY_SUFFIX
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.transfer.checksums import Digest, digest_file, is_inside

_LEDGER = "checksums.jsonl"
_BATCH = 200
"""Files whose checksums are remembered together: an interruption costs no more."""


def find_files(layout: Layout) -> list[str]:
    """Paths of all files relative to the dataset, with ``/``, sorted; nothing temporary and nothing hidden.

    The checksum file is left out: it cannot hold its own. Raises InvalidDataError for links and for names that no
    bucket takes.
    """
    found: list[str] = []
    for folder, folders, files in os.walk(layout.root):
        folders[:] = [name for name in folders if _travels(name)]
        for name in (*folders, *files):
            path = Path(folder) / name
            if path.is_symlink() and _travels(name):
                raise _unfit(layout, path, "is a link, and a bucket holds none")
        found += [(Path(folder) / name).relative_to(layout.root).as_posix() for name in files if _travels(name)]
    for text in found:
        if not text.isprintable() or not is_inside(text):
            raise _unfit(layout, layout.root / text, "has a name that not every system takes")
    return sorted(set(found) - {layout.checksums.relative_to(layout.root).as_posix()})


def _travels(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(TEMPORARY_SUFFIX)


def _unfit(layout: Layout, path: Path, why: str) -> InvalidDataError:
    place = Place(file=path.relative_to(layout.root).as_posix())
    return InvalidDataError(Problem("E-PUB-003", f"this {why}.", "replace it by a plain file.", place))


def digest_files(
    layout: Layout, paths: Iterable[str], *, threads: int = 1, on_bytes: Callable[[int], None] | None = None
) -> dict[str, Digest]:
    """Size and checksums of files by path; those unchanged since the last call are remembered, not read.

    ``on_bytes`` hears the size of each file when it is done.
    """
    ledger = Ledger.load(layout.private, _LEDGER)
    states = {path: _state(layout.root / path) for path in paths}
    known = {path: _remembered(ledger.entries.get(path), state) for path, state in states.items()}
    found = {path: digest for path, digest in known.items() if digest is not None}
    unread = [path for path in states if path not in found]
    with ThreadPoolExecutor(max(1, threads), "spora-build-digest") as pool:
        for at in range(0, len(unread), _BATCH):
            batch = unread[at : at + _BATCH]
            for path, digest in zip(batch, pool.map(lambda p: digest_file(layout.root / p), batch), strict=True):
                found[path] = digest
                if on_bytes is not None:
                    on_bytes(digest.size)
            if layout.private.is_dir():  # remembered where it can be: the folder may lie elsewhere
                ledger.record((path, f"{states[path]} {found[path].sha256} {found[path].md5}") for path in batch)
    return found


def _state(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


def _remembered(entry: str | None, state: str) -> Digest | None:
    if entry is None or not entry.startswith(state + " "):
        return None
    size, _, sha256, md5 = entry.split(" ")
    return Digest(int(size), sha256, md5)
