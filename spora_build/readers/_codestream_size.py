"""How large a JPEG or JPEG 2000 codestream says it is, read before a decoder allocates that much."""

from __future__ import annotations

_STANDALONE = {0x01, *range(0xD0, 0xD9)}
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def declared_pixels(data: bytes) -> int | None:
    """Rows × columns that the codestream declares; None where it is no JPEG or JPEG 2000 or has no size."""
    if data[:4] == b"\xff\x4f\xff\x51":
        left, top = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        right, bottom = (int.from_bytes(data[at : at + 4], "big") for at in (8, 12))
        return max(0, right - left) * max(0, bottom - top)
    return _jpeg_pixels(data) if data[:2] == b"\xff\xd8" else None


def _jpeg_pixels(data: bytes) -> int | None:
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _STANDALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            return int.from_bytes(data[at + 5 : at + 7], "big") * int.from_bytes(data[at + 7 : at + 9], "big")
        elif marker == 0xDA:
            return None
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
