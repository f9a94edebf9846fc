"""Broken images and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zarr

from tests.checks.build_dataset import CHANNELS, FINE, IHC_ONLY, IMC_ONLY, NAME, REGISTERED, SIZE, write_image
from tests.checks.corruption import Corruption, cell, column, delete, mask, metadata, rename, table, write

HE = f"he/1_0mpp/images/{REGISTERED}.ome.zarr"
IMC = f"imc/1_0mpp/images/{IMC_ONLY}.ome.zarr"
FULL = f"imc/1_0mpp/images/{REGISTERED}.ome.zarr"
STRANGER = f"{NAME}_zzzzzzzz_0000"
MASKS = "segmentations/1_0mpp"
TISSUE = f"{MASKS}/tissue_masks/{REGISTERED}.npz"
LABELS = f"{MASKS}/cell_masks/instances/{REGISTERED}.npz"
ALONE = f"{MASKS}/cell_masks/instances/{IMC_ONLY}.npz"
TASK = f"{MASKS}/cell_masks/cell_types/{REGISTERED}.npz"
ENCODER = f"{MASKS}/cell_masks/cell_types/label_encoder.parquet"
REST = ["DAPI", "CD3E", "PTPRC"]


def multiscale(content: dict[str, Any]) -> dict[str, Any]:
    return content["attributes"]["ome"]["multiscales"][0]


def again(path: str, pixels: np.ndarray, labels: list[str], **options: Any):
    """Write an image of other pixels or options in an image's place."""

    def apply(root: Path) -> None:
        delete(path)(root)
        write_image(root / path, pixels, 1.0, labels, **options)

    return apply


def pixels(path: str, change):
    """Change pixels in place."""

    def apply(root: Path) -> None:
        array = zarr.open_array(str(root / path / "0"), mode="r+")
        array[:] = change(array[:])

    return apply


def flip(path: str, at: float):
    """Flip the bits of some bytes of a file, at a share of its length (1.0 is the end)."""

    def apply(root: Path) -> None:
        content = bytearray((root / path).read_bytes())
        start = min(int(len(content) * at), len(content) - 8)
        for i in range(start, start + 8):
            content[i] ^= 0xFF
        (root / path).write_bytes(content)

    return apply


def truncate(path: str, share: float = 0.5):
    def apply(root: Path) -> None:
        content = (root / path).read_bytes()
        (root / path).write_bytes(content[: int(len(content) * share)])

    return apply


def stored(path: str, **others: np.ndarray):
    """Write a mask without compression, with other arrays beside it."""

    def apply(root: Path) -> None:
        with np.load(root / path) as archive:
            before = archive["mask"]
        np.savez(root / path, mask=before, **others)

    return apply


def silence(channel: int):
    def change(values: np.ndarray) -> np.ndarray:
        values[channel] = 0
        return values

    return change


def put(value: float):
    def change(values: np.ndarray) -> np.ndarray:
        values[0, 0, 0] = value
        return values

    return change


def codec(content: dict[str, Any]) -> dict[str, Any]:
    return content["codecs"][0]["configuration"]


flat = np.full((3, *SIZE), 7, dtype=np.uint8)
C = Corruption
IMAGES = [
    C("V401", "no image of a tissue", delete(IMC)),
    C("V402", "no image at one resolution", delete(f"he/1_0mpp/images/{REGISTERED}.ome.zarr")),
    C("V403", "an image of no tissue", rename(IMC, f"imc/1_0mpp/images/{STRANGER}.ome.zarr")),
    C("V403", "an image of another modality's tissue", rename(IMC, f"imc/1_0mpp/images/{IHC_ONLY}.ome.zarr")),
    C("V407", "a resolution without images", delete("he/0_5mpp/images")),
    C("V407", "no image in images", delete(f"he/0_5mpp/images/{REGISTERED}.ome.zarr")),
    C("V404", "a text among images", write("he/1_0mpp/images/readme.txt")),
    C("V405", "no group metadata", delete(f"{HE}/zarr.json")),
    C("V405", "zarr v2", metadata(f"{HE}/zarr.json", lambda m: m.update(zarr_format=2))),
    C("V406", "no array", delete(f"{HE}/0/zarr.json")),
    C("V406", "two axes", metadata(f"{HE}/0/zarr.json", lambda m: m.update(shape=[260, 270]))),
    C("V411", "no version", metadata(f"{HE}/zarr.json", lambda m: m["attributes"]["ome"].pop("version"))),
    C("V411", "no multiscales", metadata(f"{HE}/zarr.json", lambda m: m["attributes"]["ome"].pop("multiscales"))),
    C("V411", "axes out of order", metadata(f"{HE}/zarr.json", lambda m: multiscale(m)["axes"].reverse())),
    C(
        "V412",
        "axes y, x, c",
        metadata(f"{HE}/zarr.json", lambda m: multiscale(m)["axes"].append(multiscale(m)["axes"].pop(0))),
    ),
    C(
        "V413",
        "pixels as the unit",
        metadata(f"{HE}/zarr.json", lambda m: multiscale(m)["axes"][1].update(unit="pixel")),
    ),
    C(
        "V414",
        "another scale",
        metadata(
            f"{HE}/zarr.json",
            lambda m: multiscale(m)["datasets"][0]["coordinateTransformations"][0].update(scale=[1.0, 0.5, 0.5]),
        ),
    ),
    C(
        "V414",
        "a scale twice",
        metadata(
            f"{HE}/zarr.json",
            lambda m: multiscale(m).update(coordinateTransformations=[{"type": "scale", "scale": [1.0, 2.0, 2.0]}]),
        ),
    ),
    C("V415", "another path", metadata(f"{HE}/zarr.json", lambda m: multiscale(m)["datasets"][0].update(path="s0"))),
    C("V420", "grey H&E", again(HE, flat[:1], ["grey"])),
    C("V420", "RGBA", again(HE, np.full((4, *SIZE), 7, dtype=np.uint8), list("RGBA"))),
    C("V420", "uint16 H&E", again(HE, flat.astype(np.uint16), list("RGB"))),
    C("V421", "booleans", again(IMC, flat.astype(bool), REST)),
    C("V422", "float64", again(IMC, flat.astype(np.float64), REST)),
    C("V423", "a channel too many", again(IMC, np.ones((4, *SIZE), dtype=np.float32), CHANNELS)),
    C(
        "V424",
        "labels in another order",
        metadata(f"{FULL}/zarr.json", lambda m: m["attributes"]["ome"]["omero"]["channels"].reverse()),
    ),
    C("V424", "no labels", metadata(f"{FULL}/zarr.json", lambda m: m["attributes"]["ome"].pop("omero"))),
    C("V425", "a label less", metadata(f"{HE}/zarr.json", lambda m: m["attributes"]["ome"]["omero"]["channels"].pop())),
    C("V431", "bits flipped in the shard's index", flip(f"{FULL}/0/c/0/0/0", 1.0)),
    C("V431", "bits flipped in a chunk", flip(f"{FULL}/0/c/0/0/0", 0.3)),
    C("V431", "half a shard", truncate(f"{FULL}/0/c/0/0/0")),
    C(
        "V431",
        "an unknown codec",
        metadata(f"{FULL}/0/zarr.json", lambda m: codec(m)["codecs"].append({"name": "nosuch"})),
    ),
    C(
        "V426",
        "blue, green, red",
        metadata(f"{HE}/zarr.json", lambda m: m["attributes"]["ome"]["omero"]["channels"].reverse()),
    ),
    C("V432", "NaN", pixels(IMC, put(np.nan))),
    C("V432", "infinity", pixels(IMC, put(np.inf))),
    C("V433", "an empty channel that passes", lambda root: [pixels(p, silence(1))(root) for p in (IMC, FULL)]),
    C("V441", "small chunks", again(HE, flat, list("RGB"), chunks=(3, 128, 128))),
    C("V441", "a chunk per channel", again(HE, flat, list("RGB"), chunks=(1, 256, 256))),
    C("V442", "no shards", again(HE, flat, list("RGB"), shards=None)),
    C("V442", "oblong shards", again(HE, flat, list("RGB"), shards=(3, 256, 512))),
    C("V443", "too many shards", metadata(f"{HE}/0/zarr.json", lambda m: m.update(shape=[3, 26000, 27000]))),
    C("V444", "large shards", again(HE, flat, list("RGB"), shard=2048)),
    C("V445", "index at the start", metadata(f"{HE}/0/zarr.json", lambda m: codec(m).update(index_location="start"))),
    C("V445", "index without a checksum", metadata(f"{HE}/0/zarr.json", lambda m: codec(m)["index_codecs"].pop())),
    C("V446", "no dimension names", metadata(f"{HE}/0/zarr.json", lambda m: m.pop("dimension_names"))),
    C(
        "V447",
        "an unknown codec",
        metadata(f"{HE}/0/zarr.json", lambda m: codec(m)["codecs"].append({"name": "nosuch"})),
    ),
    C(
        "V447",
        "big-endian",
        metadata(f"{IMC}/0/zarr.json", lambda m: codec(m)["codecs"][0].update(configuration={"endian": "big"})),
    ),
    C("V448", "no shard on disk", delete(f"{HE}/0/c")),
    C(
        "V448",
        "shards under other names",
        metadata(f"{HE}/0/zarr.json", lambda m: m.update(chunk_key_encoding={"name": "v2"})),
    ),
    C("V449", "a shard missing", delete(f"he/0_5mpp/images/{REGISTERED}.ome.zarr/0/c/0/1/1")),
    C("V450", "a shard outside", write(f"{HE}/0/c/0/5/0")),
    C("V801", "another size than its registered image", again(HE, flat[:, :-1], list("RGB"))),
    C("V951", "a small image", again(HE, flat[:, :200], list("RGB"))),
    C("V952", "no images at 1.0 mpp", delete("he/1_0mpp")),
]

MASK_FILES = [
    C("V501", "no tissue mask", delete(TISSUE)),
    C("V501", "no tissue masks at a resolution", delete("segmentations/0_5mpp/tissue_masks")),
    C("V502", "another key", mask(TISSUE, lambda m: m, key="arr_0")),
    C("V502", "three axes", mask(TISSUE, lambda m: m[None])),
    C("V502", "no npz", write(LABELS)),
    C("V503", "uint8 tissue mask", mask(TISSUE, lambda m: m.astype(np.uint8))),
    C("V504", "a mask of another size", mask(TISSUE, lambda m: m[:-1])),
    C("V504", "a mask of another resolution", mask(LABELS, lambda m: np.zeros(FINE, dtype=m.dtype))),
    C("V505", "a mask of no tissue", rename(TISSUE, f"{MASKS}/tissue_masks/{STRANGER}.npz")),
    C("V506", "a picture among masks", write(f"{MASKS}/tissue_masks/{REGISTERED}.png")),
    C("V507", "a file in cell_masks", write(f"{MASKS}/cell_masks/.DS_Store")),
    C("V507", "an empty folder in cell_masks", lambda root: (root / MASKS / "cell_masks/tmp").mkdir()),
    C("V508", "a mask that is not compressed", stored(TISSUE)),
    C("V508", "another array beside the mask", stored(LABELS, scores=np.zeros(3))),
    C("V511", "signed labels", mask(LABELS, lambda m: m.astype(np.int32))),
    C("V512", "labels beyond the dtype", cell("metadata/cells.parquet", 6, "cell_id", 70_000)),
    C("V513", "cells at 1.0 mpp only", delete("segmentations/0_5mpp/cell_masks")),
    C("V521", "no label encoder", delete(ENCODER)),
    C("V521", "other columns", table(ENCODER, lambda f: f.rename(columns={"name": "label"}))),
    C("V521", "ids as text", column(ENCODER, "id", lambda s: s.astype(str))),
    C("V522", "an id twice", column(ENCODER, "id", 1)),
    C("V522", "nan as a name", cell(ENCODER, 0, "name", "nan")),
    C("V523", "uint32 categories", mask(TASK, lambda m: m.astype(np.uint32))),
    C("V524", "categories without instances", delete(ALONE)),
    C("V531", "a damaged mask", flip(TISSUE, 0.5)),
    C("V532", "an empty tissue mask", mask(TISSUE, np.zeros_like)),
    C("V533", "a full tissue mask", mask(TISSUE, np.ones_like)),
    C("V534", "a label without a row", mask(ALONE, lambda m: np.where(m == 3, 4, m).astype(m.dtype))),
    C("V535", "a label skipped", mask(ALONE, lambda m: np.where(m == 3, 9, m).astype(m.dtype))),
    C("V536", "a foreign label in the copy", mask(LABELS, lambda m: np.where(m == 3, 9, m).astype(m.dtype))),
    C("V536", "a copy moved aside", mask(LABELS, lambda m: np.roll(m, 50, axis=1))),
    C("V536", "two labels exchanged in the copy", mask(LABELS, lambda m: np.array([0, 2, 1, 3, 4], m.dtype)[m])),
    C("V537", "a category nobody knows", mask(TASK, lambda m: np.where(m == 2, 7, m).astype(m.dtype))),
    C("V538", "categories outside cells", mask(TASK, np.ones_like)),
]

IMAGE_CORRUPTIONS = [*IMAGES, *MASK_FILES]
