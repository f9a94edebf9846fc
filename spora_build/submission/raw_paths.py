"""Paths that a sheet names: relative to the raw folder, inside it, and there."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from spora_build.errors import Problem
from spora_build.submission.problems import problem
from spora_build.submission.spelling import closest

_MAX_SUGGESTIONS = 50
"""Looking for a likely file costs time in a large folder; after so many the plain remedy does."""
_MAX_FILES = 200_000
_ABSOLUTE = re.compile(r"^(/|~|[A-Za-z]:|[A-Za-z][A-Za-z0-9+.-]+://)")


def resolved(path: Path, folders: dict[str, Path]) -> tuple[Path, str]:
    """Folder and name of ``path.resolve()``, the name in the letter case that tells files of this system apart.

    ``folders`` remembers those met before, by their text, which costs less than a path to look up. Raises OSError or
    RuntimeError (a loop of links).
    """
    if path.is_symlink():
        target = path.resolve()
        return target.parent, os.path.normcase(target.name)
    folder = path.parent
    if str(folder) not in folders:
        folders[str(folder)] = folder.resolve()
    return folders[str(folder)], os.path.normcase(path.name)


@dataclass
class RawPaths:
    """Finds what sheets name in one raw folder, and remembers listings for suggestions."""

    root: Path
    _listings: dict[Path, dict[str, str]] = field(default_factory=dict)
    _by_name: dict[str, str] | None = None
    _suggested: int = 0
    _folders: dict[str, Path] = field(default_factory=dict)
    _inside: dict[str, bool] = field(default_factory=dict)

    def find(self, text: str, file: str, row: int, column: str) -> tuple[str, Path | None, Problem | None]:
        """The path with ``/`` as it is relative to the folder, the absolute path, or the problem."""
        slashed = text.replace("\\", "/")
        if _ABSOLUTE.match(slashed):
            return slashed, None, problem("E-TISSUE-004", file, row, column)
        relative = PurePosixPath(slashed)
        if ".." in relative.parts:
            return slashed, None, problem("E-TISSUE-005", file, row, column, text)
        name = relative.as_posix()
        path = self._walk(relative)
        if path is None or name == ".":
            remedy = self._suggest(relative)
            return name, None, problem("E-TISSUE-007", file, row, column, text, suggestion=remedy)
        try:
            is_inside = self._is_inside(path)
        except (OSError, RuntimeError):  # a loop of links
            return name, None, problem("E-TISSUE-007", file, row, column, text, suggestion="put the file itself there.")
        if not is_inside:
            return name, None, problem("E-TISSUE-006", file, row, column, text)
        if not (path.is_file() or path.is_dir()):
            return name, None, problem("E-TISSUE-008", file, row, column, text)
        return name, path, None

    @cached_property
    def _resolved_root(self) -> Path:
        return self.root.resolve()

    def _is_inside(self, path: Path) -> bool:
        """Whether a path is in the raw folder still, or that folder itself, where all links are followed."""
        folder, name = resolved(path, self._folders)
        if str(folder) not in self._inside:
            self._inside[str(folder)] = folder.is_relative_to(self._resolved_root)
        return self._inside[str(folder)] or folder / name == self._resolved_root

    def _walk(self, relative: PurePosixPath) -> Path | None:
        path = self.root / relative
        try:
            if path.exists():
                return path
        except OSError:  # a name too long for the file system
            return None
        path = self.root  # macOS and Linux may spell ä differently
        for part in relative.parts:
            if (path / part).exists():
                path = path / part
                continue
            composed = unicodedata.normalize("NFC", part)
            match = [n for n in self._names(path).values() if unicodedata.normalize("NFC", n) == composed]
            if len(match) != 1:
                return None
            path = path / match[0]
        return path

    def _names(self, folder: Path) -> dict[str, str]:
        if folder not in self._listings:
            names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208
            self._listings[folder] = {name.casefold(): name for name in sorted(names)}
        return self._listings[folder]

    def _suggest(self, relative: PurePosixPath) -> str:
        plain = "check the name and that the file has been copied here."
        self._suggested += 1
        if self._suggested > _MAX_SUGGESTIONS:
            return plain
        known = self._likely(relative)
        return f"did you mean {known!r}? Else {plain}" if known else plain

    def _likely(self, relative: PurePosixPath) -> str | None:
        path = self.root
        for part in relative.parts:
            names = self._names(path)
            near = part if (path / part).exists() else names.get(part.casefold()) or closest(part, names.values())
            if near is None:
                break
            path = path / near
        else:
            if path != self.root:
                return path.relative_to(self.root).as_posix()
        return self._files().get(relative.name.casefold())

    def _files(self) -> dict[str, str]:
        if self._by_name is None:
            self._by_name = {}
            for folder, folders, files in os.walk(self.root):
                folders[:] = sorted(name for name in folders if not name.endswith(".zarr"))
                for name in sorted(files):
                    relative = (Path(folder) / name).relative_to(self.root).as_posix()
                    self._by_name.setdefault(name.casefold(), relative)
                if len(self._by_name) > _MAX_FILES:
                    break
        return self._by_name
