"""What lies in a bucket, and what its bytes are."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import InvalidDataError, Problem
from spora_build.transfer.checksums import Digest, is_inside
from spora_build.transfer.remote import Remote

_BRIEF = ("--retries", "1", "--low-level-retries", "3")
"""An endpoint that does not answer is reported within seconds; rclone's own patience is four minutes."""


@dataclass(frozen=True)
class RemoteFile:
    """One object."""

    size: int
    md5: str | None
    """As the store tells it; None where it knows none (a multipart upload by another tool)."""


@dataclass(frozen=True)
class Difference:
    """Two sides compared by size and MD5; paths are sorted."""

    new: tuple[str, ...]
    """Here alone."""
    changed: tuple[str, ...]
    """On both sides, not known to be equal."""
    same: tuple[str, ...]
    removed: tuple[str, ...]
    """In the bucket alone."""

    @property
    def due(self) -> tuple[str, ...]:
        """What has to be sent."""
        return tuple(sorted((*self.new, *self.changed)))


def list_files(remote: Remote) -> dict[str, RemoteFile]:
    """Every object below a remote, by its path relative to it; empty where there is nothing."""
    arguments = ("lsjson", "--recursive", "--files-only", "--hash", "--no-modtime", "--no-mimetype", *_BRIEF)
    try:
        entries = json.loads(remote.rclone.read(*arguments, remote.folder))
    except ValueError:
        entries = [{"Path": ""}]
    if not all(is_inside(entry["Path"]) for entry in entries):
        raise InvalidDataError(
            Problem("E-S3-018", "the bucket holds names that no dataset has.", "ask whoever published it.")
        )
    return {entry["Path"]: RemoteFile(int(entry["Size"]), _md5(entry.get("Hashes"))) for entry in entries}


def _md5(hashes: Mapping[str, str] | None) -> str | None:
    """Old versions of rclone write MD5, new ones md5."""
    return next((value.lower() for name, value in (hashes or {}).items() if name.lower() == "md5" and value), None)


def compare(local: Mapping[str, Digest], remote: Mapping[str, RemoteFile]) -> Difference:
    """What is new, changed, the same and removed, seen from here."""
    both = sorted(local.keys() & remote.keys())
    same = [path for path in both if (remote[path].size, remote[path].md5) == (local[path].size, local[path].md5)]
    return Difference(
        new=tuple(sorted(local.keys() - remote.keys())),
        changed=tuple(sorted(set(both) - set(same))),
        same=tuple(same),
        removed=tuple(sorted(remote.keys() - local.keys())),
    )


def read_back(remote: Remote, paths: Iterable[str]) -> dict[str, str]:
    """SHA-256 of objects, of bytes that are downloaded for it; absent objects are left out."""
    with listed(paths) as names:
        text = remote.rclone.read("hashsum", "sha256", "--download", remote.folder, "--files-from-raw", names)
    return {path: digest for digest, _, path in (line.partition("  ") for line in text.splitlines())}


def send(folder: Path, remote: Remote, paths: Iterable[str], on_bytes: Callable[[int], None] | None = None) -> None:
    """Upload these files of a folder, whatever stands there. Raises EnvironmentFaultError."""
    with listed(paths) as names:
        _copy(remote, str(folder), remote.folder, names, on_bytes)


def receive(remote: Remote, folder: Path, paths: Iterable[str], on_bytes: Callable[[int], None] | None = None) -> None:
    """Download these objects into a folder; absent objects are left out. Raises EnvironmentFaultError."""
    folder.mkdir(parents=True, exist_ok=True)
    with listed(paths) as names:
        _copy(remote, remote.folder, str(folder), names, on_bytes)


def delete(remote: Remote, paths: Iterable[str]) -> None:
    """Delete these objects. Raises EnvironmentFaultError."""
    with listed(paths) as names:
        remote.rclone.transfer("delete", remote.folder, "--files-from-raw", names)


def _copy(remote: Remote, source: str, target: str, names: str, on_bytes: Callable[[int], None] | None) -> None:
    # what is due is known: no listing, no comparison by times; one round, for rclone's next one would send all again
    options = ("--files-from-raw", names, "--no-traverse", "--ignore-times", "--retries", "1")
    remote.rclone.transfer("copy", source, target, *options, on_bytes=on_bytes)


@contextmanager
def listed(paths: Iterable[str]) -> Iterator[str]:
    """A file with one path a line, as rclone reads it."""
    with tempfile.TemporaryDirectory(prefix="spora-build-") as folder:
        file = Path(folder) / "paths"
        file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
        yield str(file)
