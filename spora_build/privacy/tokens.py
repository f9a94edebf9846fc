"""What must not be found in a finished tree, and how far finding it proves anything."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from spora_build.privacy.crosswalk import Crosswalk

SHORTEST_IN_TEXT = 4
"""Shorter tokens (``7``, ``NC``) count only where they are a whole value: inside other text they are everywhere."""
SHORTEST_IN_BYTES = 6
"""Compressed pixels hold every shorter sequence sooner or later: 256⁴ bytes are 4 GB, 256⁶ are 280 TB."""
_SHORTEST_CERTAIN_TISSUE = 10
"""``core_A1`` or ``ROI_001`` as the name of an image is often also a harmless value of another column."""
_HASH_BITS = 20
_EXTENSION = re.compile(r"(\.ome)?\.[A-Za-z]{2,6}$")


@dataclass(frozen=True)
class Token:
    """One raw identifier to look for."""

    text: str = field(repr=False)
    name: str
    """What it is called in messages: its row of the crosswalk, never itself."""
    is_certain: bool
    """Whether finding it is no accident: neither short, nor a small number, nor a common tissue name."""


def crosswalk_tokens(crosswalk: Crosswalk) -> list[Token]:
    """Patients, biopsies and tissues of a crosswalk (for images also the file's name alone), named by row.

    Row numbers are those of crosswalk.csv, whose header is row 1.
    """
    tokens: dict[str, Token] = {}
    for row, entry in enumerate(crosswalk.entries, start=3):
        texts = file_texts(entry.original) if entry.kind == "tissue" else [entry.original]
        for text in texts:
            folded = fold(text)
            if folded:
                tokens.setdefault(folded, _token(text, f"crosswalk row {row} ({entry.kind})", entry.kind))
    return list(tokens.values())


def file_tokens(files: Mapping[str, str]) -> list[Token]:
    """Raw files by what they are called in messages (``an image of <tissue_id>``): path, name, name without ending."""
    return [_token(text, name, "tissue") for name, file in files.items() for text in file_texts(file) if fold(text)]


def sheet_tokens(patients: Iterable[str], biopsies: Iterable[str], tissues: Iterable[str]) -> list[Token]:
    """Raw identifiers of a submission that is still to be built; ``tissues`` are names of tissues and of files."""
    kinds = {"patient": patients, "biopsy": biopsies, "tissue": tissues}
    return [_token(text, f"a {kind}", kind) for kind, texts in kinds.items() for text in set(texts) if fold(text)]


def file_texts(file: str) -> list[str]:
    """A raw file's path as the sheet has it, its name alone, and that without its ending."""
    name = PurePosixPath(file.split("#")[0].replace("\\", "/")).name
    return [file, name, _EXTENSION.sub("", name)]


def fold(text: str) -> str:
    """The spelling that is compared: NFC, letter case folded, no outer spaces."""
    if text.isascii():
        return text.strip().lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())


def _token(text: str, name: str, kind: str) -> Token:
    folded = fold(text)
    shortest = 6 if folded.isdigit() else _SHORTEST_CERTAIN_TISSUE if kind == "tissue" else SHORTEST_IN_TEXT
    return Token(text, name, len(folded) >= shortest)


def _spellings(text: str) -> set[bytes]:
    """Bytes that a text may be in a file: any letter case, accents apart or not, encodings; ASCII in lower case."""
    if text.isascii():
        return {fold(text).encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")}
    composed = unicodedata.normalize("NFC", text).strip()
    cases = {composed, composed.lower(), composed.upper(), fold(text)}
    forms = {unicodedata.normalize(form, case) for case in cases for form in ("NFC", "NFD")}
    return {
        form.encode(encoding, "surrogateescape" if encoding == "utf-8" else "surrogatepass").lower()
        for form in forms
        for encoding in ("utf-8", "utf-16-le", "utf-16-be")
    } | {form.encode("latin-1").lower() for form in forms if form and max(form) < "\u0100"}


class TokenSet:
    """Tokens made ready to be looked for, thousands at once, in text, in whole values and in bytes."""

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._by_text: dict[str, Token] = {fold(token.text): token for token in tokens}
        self._by_start: dict[bytes, list[tuple[bytes, Token]]] = {}
        for text, token in self._by_text.items():
            if len(text) >= SHORTEST_IN_TEXT:
                for pattern in _spellings(token.text):
                    self._by_start.setdefault(pattern[:4], []).append((pattern, token))
        self.longest = max((len(p) for many in self._by_start.values() for p, _ in many), default=0)
        self._hashes = np.zeros(1 << _HASH_BITS, dtype=bool)
        for start in self._by_start:
            self._hashes[_hash(np.frombuffer(start, dtype="<u4"))] = True

    def __len__(self) -> int:
        return len(self._by_text)

    def in_text(self, text: str) -> set[Token]:
        """Tokens in a text: short ones as the whole of it, 4 or 5 letters as a word, longer ones anywhere."""
        return self.in_values([text])

    def in_values(self, values: Iterable[str]) -> set[Token]:
        """Tokens in any of these texts, see :meth:`in_text`; many at once cost little more than one."""
        folded = [fold(value) for value in values]
        found = {self._by_text[value] for value in folded if value in self._by_text}
        data = "\n".join(folded).encode("utf-8", "surrogateescape")
        for place, pattern, token in self._starts(data):
            if len(pattern) >= SHORTEST_IN_BYTES or _stands_alone(data, place, place + len(pattern)):
                found.add(token)
        return found

    def in_bytes(self, data: bytes) -> set[Token]:
        """Tokens of six bytes and more in raw bytes, as UTF-8, UTF-16 or Latin-1, in either letter case."""
        return {token for _, pattern, token in self._starts(data.lower()) if len(pattern) >= SHORTEST_IN_BYTES}

    @property
    def numbers(self) -> Mapping[int, Token]:
        """Tokens that are numbers of five digits and more: what a column of integers may hold."""
        return {int(t): token for t, token in self._by_text.items() if t.isdecimal() and 5 <= len(t) <= 18}

    def _starts(self, data: bytes) -> Sequence[tuple[int, bytes, Token]]:
        """Every place where a token stands. Four bytes at a time are looked up in a bitmap, then compared in full."""
        if len(data) < 4 or not self._by_start:
            return ()
        found = []
        for shift in range(4):
            words = np.frombuffer(data, dtype="<u4", offset=shift, count=(len(data) - shift) // 4)
            for index in np.flatnonzero(self._hashes[_hash(words)]):
                place = int(index) * 4 + shift
                for pattern, token in self._by_start.get(data[place : place + 4], ()):
                    if data.startswith(pattern, place):
                        found.append((place, pattern, token))
        return found


def _hash(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (words * np.uint32(2654435761)) >> np.uint32(32 - _HASH_BITS)


def _stands_alone(data: bytes, start: int, stop: int) -> bool:
    before, after = data[start - 1 : start] if start else b"", data[stop : stop + 1]
    return not (before.isalnum() or after.isalnum())
