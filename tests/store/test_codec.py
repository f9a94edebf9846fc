"""Codecs and their defaults."""

from __future__ import annotations

import numpy as np
import pytest
from numcodecs import blosc

from spora_build.model.geometry import Size
from spora_build.store.array_writer import plan_array
from spora_build.store.codec import CODECS, Blosc, chunk_codecs, default_codec, find_decoder, room_for
from tests.store.sources import noise


@pytest.mark.parametrize(
    ("dtype", "is_rgb", "name"),
    [
        ("uint8", True, "zstd"),
        ("uint8", False, "blosc-lz4"),
        ("uint16", False, "blosc-lz4"),
        ("float32", False, "zstd"),
    ],
)
def test_defaults(dtype: str, is_rgb: bool, name: str) -> None:
    assert default_codec(np.dtype(dtype), is_rgb=is_rgb) == name


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("name", ["blosc-zstd", "blosc-lz4"])
def test_blosc_bytes_are_what_the_metadata_say(dtype: str, name: str) -> None:
    pixels = noise((9, 256, 256), dtype)
    codec = CODECS[name]
    assert isinstance(codec, Blosc)
    configuration = codec.metadata(pixels.dtype)[0]["configuration"]
    encoded = bytes(codec.encode(pixels, room_for(pixels.nbytes)))
    assert encoded[3] == pixels.dtype.itemsize == configuration["typesize"]
    flags = encoded[2]
    assert {0b001: "shuffle", 0b100: "bitshuffle"}[flags & 0b101] == configuration["shuffle"]
    if configuration["blocksize"]:
        assert int.from_bytes(encoded[8:12], "little") == min(configuration["blocksize"], pixels.nbytes)
    assert blosc.decompress(encoded) == pixels.tobytes()


@pytest.mark.parametrize("name", CODECS)
def test_noise_that_cannot_be_compressed_fits_its_room(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (3, 256, 256)).astype(np.uint16)
    encoded = bytes(CODECS[name].encode(pixels, room_for(pixels.nbytes)))
    decode = find_decoder(chunk_codecs(CODECS[name], pixels.dtype), pixels.dtype)
    assert decode is not None
    out = np.empty(pixels.nbytes, np.uint8)
    decode(encoded, out)
    assert out.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("pixels_held", [0, 10, 12 * 256**2])
def test_a_chunk_of_another_size_is_refused(name: str, pixels_held: int) -> None:
    dtype = np.dtype("uint16")
    encoded = bytes(CODECS[name].encode(np.ones(pixels_held, dtype), room_for(2 * pixels_held)))
    decode = find_decoder(chunk_codecs(CODECS[name], dtype), dtype)
    assert decode is not None
    with pytest.raises((ValueError, RuntimeError)):
        decode(encoded, np.empty(2 * 256**2, np.uint8))


def test_unknown_codecs_are_left_to_others() -> None:
    dtype = np.dtype("uint16")
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    big = {"name": "bytes", "configuration": {"endian": "big"}}
    zstd = {"name": "zstd", "configuration": {"level": 1}}
    for codecs in ([], [big], [little, {"name": "gzip"}], [little, zstd, {"name": "crc32c"}], [zstd]):
        assert find_decoder(codecs, dtype) is None


def test_chunks_of_many_channels_are_possible_up_to_the_codecs_limit() -> None:
    assert plan_array(200, Size(9, 9), np.dtype("float32"), "blosc-zstd").pixel_bytes == 800
    with pytest.raises(ValueError, match="larger than a codec takes"):
        plan_array(8192, Size(9, 9), np.dtype("float32"), "blosc-zstd")
    with pytest.raises(ValueError, match="integers or floats"):
        plan_array(1, Size(9, 9), np.dtype("complex64"), "zstd")
