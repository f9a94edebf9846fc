"""A bucket's files in a temporary folder: small ones are there, large ones as empty files until somebody reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Problem, UsageError
from spora_build.transfer.listing import list_files, receive
from spora_build.transfer.remote import Remote


@dataclass(frozen=True)
class Mirror:
    """What lies below a remote."""

    root: Path
    """Called as the remote's last folder."""
    remote: Remote
    later: Mapping[str, int] = field(repr=False)
    """Bytes of the files that stand empty, by path."""

    @contextmanager
    def at_hand(self, folders: Sequence[Path]) -> Iterator[None]:
        """Download the empty files below these folders, and empty them again after the block."""
        starts = tuple(f"{folder.relative_to(self.root).as_posix()}/" for folder in folders)
        wanted = [path for path in self.later if path.startswith(starts)]
        receive(self.remote, self.root, wanted)
        try:
            yield
        finally:
            for path in wanted:
                self.empty(path)

    def empty(self, path: str) -> None:
        """Let a file stand empty, of the length it has."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.truncate(self.later[path])  # a hole of the right length, which takes no space


@contextmanager
def open_mirror(
    remote: Remote, *, is_later: Callable[[str], bool], is_wanted: Callable[[str], bool] = lambda path: True
) -> Iterator[Mirror]:
    """A mirror of the wanted files of a remote for the length of the block.

    Raises UsageError where there is nothing there, and EnvironmentFaultError where the bucket is out of reach.
    """
    name = remote.path.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    files = {path: file.size for path, file in list_files(remote).items() if is_wanted(path)}
    if not files:
        raise UsageError(
            Problem("E-FETCH-003", "there is nothing in the bucket at this place.", "write s3://bucket/prefix/dataset.")
        )
    with tempfile.TemporaryDirectory(prefix="spora-build-") as scratch:
        mirror = Mirror(Path(scratch) / name, remote, {p: size for p, size in files.items() if is_later(p)})
        receive(remote, mirror.root, [path for path in files if path not in mirror.later])
        for path in mirror.later:
            mirror.empty(path)
        yield mirror
