"""Proof by bytes: no raw identifier in any name or content of a finished tree."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from spora_build.errors import Place, Problem
from spora_build.privacy.tokens import Token, TokenSet

_BLOCK_BYTES = 8 << 20
_TEXT = {
    ".json",
    ".csv",
    ".tsv",
    ".txt",
    ".toml",
    ".yaml",
    ".yml",
    ".html",
    ".xml",
    ".md",
    ".log",
    ".zattrs",
    ".zarray",
}
_HIDDEN = "<hidden>"


@dataclass(frozen=True)
class Leak:
    """One raw identifier in one place."""

    token: str
    """Which identifier, by its row of the crosswalk."""
    file: str
    """Path below the root; a part of it that holds an identifier is hidden."""
    where: str
    """``file name``, ``bytes``, ``text``, ``column 'batch'``, ``member mask.npy``…"""
    is_certain: bool
    """False where it may be chance: short or common text that is a whole value there."""
    column: str | None = None
    """The column of a table that it is in, where the column's own name may be told."""

    def problem(self) -> Problem:
        """The leak as a message."""
        return Problem(
            "E-PRIV-020" if self.is_certain else "W-PRIV-021",
            f"the identifier of {self.token} is in this file ({self.where})"
            + ("." if self.is_certain else ", or a value that happens to be the same."),
            "do not share the dataset; rename or drop what it came from and build again."
            if self.is_certain
            else "look at it once; rename the identifier in the sheet if it is one.",
            Place(file=self.file),
        )


@dataclass(frozen=True)
class ScanReport:
    """What a scan looked at and what it found."""

    leaks: tuple[Leak, ...]
    tokens: int
    """Identifiers looked for."""
    files: int
    bytes_read: int
    tables: int
    """Parquet files whose text was decoded."""
    members: int
    """Members of .npz files and other archives that were decompressed."""
    unread: tuple[str, ...]
    """Files that could not be read or decoded: nothing is proved about them."""


def scan_tree(
    root: Path,
    tokens: Iterable[Token],
    *,
    kept: Mapping[str, Collection[str]] | None = None,
    on_file: Callable[[], None] | None = None,
) -> ScanReport:
    """Look for tokens in every file and folder below ``root``, the root's own name included.

    Names, link targets, the raw bytes of every file, the decoded text of Parquet tables (schema, metadata, columns of
    text and of integers), of JSON (escapes undone) and other text files, and decompressed archives. Pixels in Zarr
    chunks are searched as they lie on disk, not decompressed: text does not survive there unless it was written raw.
    ``kept`` names columns that somebody chose to keep, by table below the root: of such a table only the other columns
    are searched, decoded. ``on_file`` is called after each file, for a progress bar.
    """
    scan = _Scan(root, TokenSet(tokens), kept or {})
    scan.name(root)
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in folders:
            scan.name(Path(folder) / name)
        for name in sorted(files):
            scan.name(Path(folder) / name)
            scan.file(Path(folder) / name)
            if on_file is not None:
                on_file()
    return scan.report()


class _Scan:
    def __init__(self, root: Path, tokens: TokenSet, kept: Mapping[str, Collection[str]]) -> None:
        self.root, self.tokens, self.kept = root, tokens, kept
        self.leaks: dict[Leak, None] = {}
        self.unread: list[str] = []
        self.files = self.bytes_read = self.tables = self.members = 0

    def report(self) -> ScanReport:
        return ScanReport(
            tuple(self.leaks),
            len(self.tokens),
            self.files,
            self.bytes_read,
            self.tables,
            self.members,
            tuple(self.unread),
        )

    def name(self, path: Path) -> None:
        stems = {path.name, path.name.split(".")[0]}
        found = self.tokens.in_values(stems)
        if path.is_symlink():
            found |= self.tokens.in_text(str(path.readlink()))
        self.add(found, path, "file name")

    def file(self, path: Path) -> None:
        self.files += 1
        try:
            if not path.is_file():  # a pipe or a dangling link has no bytes
                return
            chosen = self.kept.get(path.relative_to(self.root).as_posix(), ())
            if not chosen:  # its raw bytes hold what was chosen to be kept
                with path.open("rb") as stream:
                    self.add(self._stream(stream), path, "bytes")
            if path.suffix == ".parquet":
                self._table(path, chosen)
            elif path.suffix and zipfile.is_zipfile(path):  # .npz, and whatever office programs write
                self._archive(path)
            elif path.suffix == ".npz":
                raise zipfile.BadZipFile
            elif path.suffix in (".gz", ".tgz"):
                with gzip.open(path, "rb") as stream:
                    self.add(self._stream(cast("BinaryIO", stream)), path, "decompressed")
            elif path.suffix in _TEXT or path.name in _TEXT:
                self.add(self._text(path), path, "text")
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError):
            self.unread.append(self.shown(path))

    def add(self, found: Iterable[Token], path: Path, where: str, column: str | None = None) -> None:
        for token in sorted(found, key=lambda token: token.name):
            self.leaks[Leak(token.name, self.shown(path), where, token.is_certain, column)] = None

    def shown(self, path: Path) -> str:
        parts = [self.root.name, *path.relative_to(self.root).parts]
        return "/".join(
            _HIDDEN if self.tokens.in_text(part) or self.tokens.in_text(part.split(".")[0]) else part for part in parts
        )

    def _stream(self, stream: BinaryIO) -> set[Token]:
        found: set[Token] = set()
        tail = b""
        while block := stream.read(_BLOCK_BYTES):
            self.bytes_read += len(block)
            found |= self.tokens.in_bytes(tail + block)
            tail = (tail + block)[-max(self.tokens.longest - 1, 0) :] if self.tokens.longest > 1 else b""
        return found

    def _text(self, path: Path) -> set[Token]:
        text = path.read_text(encoding="utf-8", errors="replace")
        found = self.tokens.in_text(text)
        if path.suffix in (".json", ".zattrs", ".zarray") or path.name in (".zattrs", ".zarray"):
            found |= self.tokens.in_values(_strings(json.loads(text)))
        elif path.suffix in (".csv", ".tsv"):
            found |= self.tokens.in_values(re.split(r'[,;\t\r\n"]', text))
        return found

    def _table(self, path: Path, chosen: Collection[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        texts = [text.decode("utf-8", "replace") for pair in (schema.metadata or {}).items() for text in pair]
        self.add(
            self.tokens.in_values([*schema.names, *(t for text in texts for t in _unescaped(text))]), path, "schema"
        )
        numbers = self.tokens.numbers
        for place, name in enumerate(schema.names, start=1):
            if name in chosen:
                continue
            kind = schema.field(name).type
            told = None if self.tokens.in_text(name) else name
            where = f"column {place}" if told is None else f"column {name!r}"
            for group in range(file.num_row_groups):
                values = file.read_row_group(group, columns=[name]).column(0)
                if pa.types.is_integer(kind) or pa.types.is_floating(kind):
                    if numbers:
                        wanted = pa.array(list(numbers), type=pa.int64()).cast(kind, safe=False)
                        present = pc.unique(values.filter(pc.is_in(values, value_set=wanted))).to_pylist()
                        self.add((numbers[value] for value in present if value in numbers), path, where, told)
                elif not pa.types.is_boolean(kind):
                    distinct = values if pa.types.is_nested(kind) else pc.unique(values)
                    self.add(self.tokens.in_values(_strings(distinct.to_pylist())), path, where, told)
        self.tables += 1

    def _archive(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                self.members += 1
                self.add(self.tokens.in_text(member.filename), path, "member name")
                with archive.open(member) as stream:
                    self.add(self._stream(cast("BinaryIO", stream)), path, "member")
                if member.filename.endswith(".npy"):
                    with archive.open(member) as stream:
                        self.add(self.tokens.in_values(_texts_of_array(cast("BinaryIO", stream))), path, "member")


def _texts_of_array(stream: BinaryIO) -> list[str]:
    """The texts of a .npy array; none where it holds numbers. Raises ValueError where they are hidden in a pickle."""
    major, _ = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    if dtype.kind in "biufc":
        return []
    if dtype.hasobject:
        raise ValueError("objects are not unpickled")
    if dtype.kind != "U":
        return []
    count = math.prod(shape)
    return [str(text) for text in np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)]


def _unescaped(text: str) -> Iterator[str]:
    """The text, and every text in it where it is JSON: pandas describes its tables so, with letters as escapes."""
    yield text
    try:
        yield from _strings(json.loads(text))
    except ValueError:
        return


def _strings(value: object) -> Iterator[str]:
    """Every text in nested lists and objects, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
    elif value is not None and not isinstance(value, int | float):
        yield str(value)
