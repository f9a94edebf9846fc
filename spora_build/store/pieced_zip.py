"""A zip archive of one deflated member, any part of which can be inflated without what stands before it.

Every reader of zip files reads it. The deflate stream is flushed after each piece (RFC 1951, section 3.2.4: an empty
stored block, ``00 00 ff ff``), so that a piece is a stream of its own, which libdeflate inflates ten times as fast as
zlib does a stream. An extra field of the member says that this was done.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

PIECE_BYTES = 1 << 20
_lib: Any = imagecodecs  # its type hints know no arrays
_TAG = 0x5062
_EXTRA = struct.pack("<HH", _TAG, 0)
_FLUSHED = b"\x00\x00\xff\xff"
_LAST_BLOCK = b"\x03\x00"
_READ_BYTES = 1 << 18
_MOST_PACKED = PIECE_BYTES + PIECE_BYTES // 8
"""No piece is longer than this when deflated: what does not shrink is stored."""
_EPOCH_DATE = 33
"""1 January 1980 as DOS writes dates. Zip members carry a time; a fixed one keeps files reproducible."""
_DEFLATE, _VERSION, _UNIX = 8, 45, 3 << 8
_LEVEL = 6
_MAX32 = 0xFFFFFFFF
DAMAGE = (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What a damaged archive raises when it is read."""


def write_pieced_zip(file: IO[bytes], name: str, pieces: Iterable[memoryview | bytes], *, runs: bool) -> None:
    """Write an archive with one member, each of ``pieces`` (at most PIECE_BYTES long) flushed by itself.

    ``runs``: match only repetitions of one byte, which is all there is in a mask of two values. There is one way to do
    that, so that zlib-ng makes zlib's very bytes, six times as fast. All sizes are written as zip64.
    """
    encoded = name.encode("ascii")
    file.write(_local_header(encoded, 0, 0, 0))
    checksum = size = packed = 0
    compressor = _compressor(runs)
    for piece in pieces:
        checksum = zlib_ng.crc32(piece, checksum)
        size += len(piece)
        packed += file.write(compressor.compress(piece))
        packed += file.write(compressor.flush(zlib.Z_FULL_FLUSH))
    packed += file.write(compressor.flush())
    start = file.tell()
    file.write(_central_directory(encoded, checksum, packed, size))
    file.write(_end(start, file.tell() - start))
    file.seek(0)
    file.write(_local_header(encoded, checksum, packed, size))
    file.seek(0, 2)


def _compressor(runs: bool) -> Any:
    if runs:
        return zlib_ng.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)


def read_pieces(file: IO[bytes], member: zipfile.ZipInfo) -> Iterator[memoryview]:
    """The member's bytes from first to last in pieces of any length; the next one may overwrite the one before.

    Any zip archive will do, ours are read faster. Raises one of DAMAGE, at the latest at the end, where the bytes are
    not those that were written.
    """
    if member.compress_type == zipfile.ZIP_DEFLATED and not member.flag_bits & 0x1:
        inflated = _inflate(file, member)
    else:
        inflated = _as_stored(file, member)
    checksum = size = 0
    for piece in inflated:
        checksum = zlib_ng.crc32(piece, checksum)
        size += len(piece)
        yield piece
    if checksum != member.CRC or size != member.file_size:
        raise zipfile.BadZipFile("the member does not match its checksum")


def _inflate(file: IO[bytes], member: zipfile.ZipInfo) -> Iterator[memoryview]:
    at, end = _data_range(file, member)
    if _is_tagged(member.extra):
        room: NDArray[np.uint8] = np.empty(PIECE_BYTES, np.uint8)
        waiting = bytearray()
        searched = 0
        while True:
            found = waiting.find(_FLUSHED, searched)
            if found < 0:
                file.seek(at + len(waiting))
                more = file.read(min(_READ_BYTES, end - at - len(waiting)))
                if not more or len(waiting) > _MOST_PACKED:
                    break
                searched = max(0, len(waiting) - len(_FLUSHED) + 1)
                waiting += more
                continue
            searched = found + 1
            length = found + len(_FLUSHED)
            piece = _inflate_piece(bytes(waiting[:length]) + _LAST_BLOCK, room)
            if piece is not None:  # else these four bytes were a part of the data
                yield piece
                del waiting[:length]
                at, searched = at + length, 0
    yield from _inflate_stream(file, at, end)


def _inflate_piece(data: bytes, room: NDArray[np.uint8]) -> memoryview | None:
    try:
        return memoryview(_lib.deflate_decode(data, raw=True, out=room))
    except (RuntimeError, ValueError):
        return None


def _inflate_stream(file: IO[bytes], at: int, end: int) -> Iterator[memoryview]:
    """What zlib makes of a stream: of a whole member that is not ours, of the few bytes after our last piece."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    while not stream.eof:
        data = stream.unconsumed_tail
        if not data:
            file.seek(at)
            data = file.read(min(_READ_BYTES, end - at))
            if not data:
                raise EOFError("the member ends early")
            at += len(data)
        yield memoryview(stream.decompress(data, PIECE_BYTES))


def _as_stored(file: IO[bytes], member: zipfile.ZipInfo) -> Iterator[memoryview]:
    with zipfile.ZipFile(file) as archive, archive.open(member) as stream:
        while piece := stream.read(PIECE_BYTES):
            yield memoryview(piece)


def _data_range(file: IO[bytes], member: zipfile.ZipInfo) -> tuple[int, int]:
    file.seek(member.header_offset)
    header = file.read(30)
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("the member has no header")
    name_length, extra_length = struct.unpack("<HH", header[26:])
    start = member.header_offset + 30 + name_length + extra_length
    return start, start + member.compress_size


def _is_tagged(extra: bytes) -> bool:
    while len(extra) >= 4:
        tag, length = struct.unpack("<HH", extra[:4])
        if tag == _TAG:
            return True
        extra = extra[4 + length :]
    return False


def _local_header(name: bytes, checksum: int, packed: int, size: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, size, packed)
    fields = struct.pack(
        "<HHHHHIIIHH", _VERSION, 0, _DEFLATE, 0, _EPOCH_DATE, checksum, _MAX32, _MAX32, len(name), len(extra)
    )
    return b"PK\x03\x04" + fields + name + extra


def _central_directory(name: bytes, checksum: int, packed: int, size: int) -> bytes:
    extra = struct.pack("<HHQQ", 1, 16, size, packed) + _EXTRA
    fields = struct.pack(
        "<HHHHHHIIIHHHHHII",
        _VERSION | _UNIX, _VERSION, 0, _DEFLATE, 0, _EPOCH_DATE, checksum, _MAX32, _MAX32,
        len(name), len(extra), 0, 0, 0, 0o600 << 16, 0,
    )  # fmt: skip
    return b"PK\x01\x02" + fields + name + extra


def _end(start: int, length: int) -> bytes:
    whole = struct.pack("<QHHIIQQQQ", 44, _VERSION | _UNIX, _VERSION, 0, 0, 1, 1, length, start)
    locator = struct.pack("<IQI", 0, start + length, 1)
    classic = struct.pack("<HHHHIIH", 0, 0, 1, 1, _MAX32, _MAX32, 0)
    return b"PK\x06\x06" + whole + b"PK\x06\x07" + locator + b"PK\x05\x06" + classic
