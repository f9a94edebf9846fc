"""Pages whose tags equal those of the page before, byte for byte but for where the pixels are: not parsed again.

The channels of one image are such pages, and parsing tags is most of what reading a header takes.
"""

from __future__ import annotations

import copy
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

_OFFSETS, _COUNTS = (273, 324), (279, 325)
"""StripOffsets and TileOffsets, StripByteCounts and TileByteCounts."""
_WHOLE = {3: "H", 4: "I", 16: "Q"}
"""Types that these are written in."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value of each type of TIFF and BigTIFF."""
_PLAIN = {1, 5, 8, 32773, 32946, 50000}
"""None, LZW, deflate, PackBits, zstd: tifffile looks into a strip of no such page to know it."""
_MOST_TAGS = 100
_LARGEST_VALUE = 65_536
"""Bytes of a value that is compared."""


def pages_like(page: Any, most: int) -> list[Any]:
    """The pages that follow a ``tifffile.TiffPage`` of an open file and differ from it in no tag, at most so many.

    Each is a copy of it with an offset, an index and places of pixels of its own; they share ``tags``. The list ends
    before the first page that has to be parsed.
    """
    pattern = _pattern_of(page)
    found: list[Any] = []
    offset = 0 if pattern is None else pattern.following
    while pattern is not None and offset and len(found) < most:
        directory = pattern.directory_at(offset)
        places = None if directory is None else pattern.places(directory)
        if directory is None or places is None:
            break
        other = copy.copy(page)
        other.offset, other._index = offset, (page.index + 1 + len(found),)
        other.dataoffsets, other.databytecounts = places
        found.append(other)
        offset = pattern.offset_after(directory)
    return found


class _Value(NamedTuple):
    """Where a tag of a directory has its value."""

    at: int
    """Position in the directory of the value, or of its offset in the file."""
    size: int
    """Bytes."""
    numbers: int
    """How many it holds."""
    kind: int
    """The type of TIFF that they have."""
    is_apart: bool
    """Whether it is elsewhere in the file."""


@dataclass(frozen=True)
class _Pattern:
    """What has to be the same in a page."""

    tiff: Any
    length: int
    """Bytes of the directory; the offset of the next one follows."""
    same: int
    """The directory as a number, zero in what may differ."""
    mask: int
    """Ones in what has to be the same."""
    apart: tuple[tuple[_Value, bytes], ...]
    """Values elsewhere in the file."""
    offsets: _Value
    counts: _Value
    following: int
    """Where the next directory is, 0 where there is none."""

    def directory_at(self, offset: int) -> bytes | None:
        """A directory with the same tags, and the offset behind it; None where it has others."""
        data = _bytes_at(self.tiff, offset, self.length + self.tiff.tiff.offsetsize)
        if data is None or int.from_bytes(data, "little") & self.mask != self.same:
            return None
        is_same = all(_bytes_of(self.tiff, data, value) == known for value, known in self.apart)
        return data if is_same else None

    def places(self, directory: bytes) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Offsets and byte counts of its strips or tiles; None where the file does not hold them."""
        offsets, counts = (_numbers(self.tiff, directory, value) for value in (self.offsets, self.counts))
        return None if offsets is None or counts is None else (offsets, counts)

    def offset_after(self, directory: bytes) -> int:
        """Where the directory after this one is."""
        return int(struct.unpack(self.tiff.tiff.offsetformat, directory[self.length :])[0])


def _pattern_of(page: Any) -> _Pattern | None:
    """None where pages like this one have to be parsed each."""
    import tifffile

    tiff, form = page.parent, page.parent.tiff
    if not isinstance(page, tifffile.TiffPage) or form.is_ndpi or tiff.is_lsm or tiff.is_scanimage:
        return None  # tifffile corrects what these have in their directories, or makes pages of its own
    if page.compression not in _PLAIN or 0 in (page.imagewidth, page.imagelength):
        return None
    head = _bytes_at(tiff, page.offset, form.tagnosize)
    tags = struct.unpack(form.tagnoformat, head)[0] if head else 0
    length = form.tagnosize + tags * form.tagsize
    directory = _bytes_at(tiff, page.offset, length + form.offsetsize) if 0 < tags <= _MOST_TAGS else None
    if directory is None:
        return None
    places: dict[int, _Value] = {}
    apart: list[tuple[_Value, bytes]] = []
    mask = bytearray(b"\xff" * length)
    entry = f"{tiff.byteorder}HH{'Q' if form.offsetsize == 8 else 'I'}"
    for start in range(form.tagnosize, length, form.tagsize):
        code, kind, count = struct.unpack_from(entry, directory, start)
        if code in places or code in tifffile.TIFF.TAG_READERS or kind not in _SIZES:
            return None
        size, width = _SIZES[kind] * count, form.tagoffsetthreshold
        value = _Value(start + form.tagsize - width, size, count, kind, size > width)
        if code in (*_OFFSETS, *_COUNTS):
            places[code] = value
        elif value.is_apart:
            known = _bytes_of(tiff, directory, value) if size <= _LARGEST_VALUE else None
            if known is None:
                return None
            apart.append((value, known))
        else:
            continue
        mask[value.at : value.at + width] = bytes(width)
    offsets, counts = ([places[code] for code in codes if code in places] for codes in (_OFFSETS, _COUNTS))
    if len(offsets) != 1 or len(counts) != 1 or not {offsets[0].kind, counts[0].kind} <= _WHOLE.keys():
        return None
    pattern = _Pattern(
        tiff,
        length,
        same=int.from_bytes(directory, "little") & int.from_bytes(mask, "little"),
        mask=int.from_bytes(mask, "little"),
        apart=tuple(apart),
        offsets=offsets[0],
        counts=counts[0],
        following=int(struct.unpack(form.offsetformat, directory[length:])[0]),
    )
    is_as_stored = pattern.places(directory) == (page.dataoffsets, page.databytecounts)
    return pattern if is_as_stored else None


def _numbers(tiff: Any, directory: bytes, value: _Value) -> tuple[int, ...] | None:
    data = _bytes_of(tiff, directory, value)
    return None if data is None else struct.unpack(f"{tiff.byteorder}{value.numbers}{_WHOLE[value.kind]}", data)


def _bytes_of(tiff: Any, directory: bytes, value: _Value) -> bytes | None:
    """A tag's value as it is stored."""
    if not value.is_apart:
        return directory[value.at : value.at + value.size]
    form = tiff.tiff
    (offset,) = struct.unpack(form.offsetformat, directory[value.at : value.at + form.offsetsize])
    return _bytes_at(tiff, offset, value.size)


def _bytes_at(tiff: Any, offset: int, size: int) -> bytes | None:
    """None where the file does not hold them."""
    file = tiff.filehandle
    if offset < 8 or offset + size > file.size:
        return None
    file.seek(offset)
    data: bytes = file.read(size)
    return data if len(data) == size else None
