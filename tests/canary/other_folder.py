"""A small raw folder with what the large one has not: ImageJ, profiles, XMP, AnnData, Parquet, masks of all kinds."""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from tests.canary.raw_folder import CHANNELS, Canaries, RawFolder, pixels
from tests.readers import slide_makers

KINDS = ("tumour", "T", "T", "tumour")


def write_other_folder(path: Path, table: str) -> RawFolder:
    """Write it, its cells as ``cells.csv``, ``cells.parquet`` or ``cells.h5ad``."""
    raw = RawFolder(path, Canaries())
    _write_imagej(raw)
    _write_pictures(raw)
    _write_masked(raw)
    tissues = [row["tissue"] for row in raw.rows if "tissue" in row]
    write = {"cells.csv": _write_csv, "cells.parquet": _write_parquet, "cells.h5ad": _write_anndata}[table]
    write(path / table, raw.canaries, [tissue for tissue in tissues for _ in (1, 2)], [1, 2, 1, 2])
    _write_sheets(raw, table)
    return raw


def _xmp(new: Any) -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d creator="{new("XMP")}"/></x:xmpmeta>'.encode()


def _profile(new: Any) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + new("ICC profile").encode()


def _write_imagej(raw: RawFolder) -> None:
    path, new = raw.add(".tif", "codex"), raw.canaries.new
    said = {
        "axes": "CYX",
        "unit": "um",
        "Info": new("ImageJ Info"),
        "Labels": [f"{name} {new('name of a channel')}" for name in CHANNELS],
        "Overlays": [new("ImageJ overlay").encode()],
        "description": new("ImageJ description"),
        "Properties": {new("ImageJ property"): new("ImageJ property")},
    }
    tifffile.imwrite(path, pixels(), imagej=True, resolution=(2e4, 2e4), metadata=said)


def _write_pictures(raw: RawFolder) -> None:
    new, picture = raw.canaries.new, slide_makers.picture(130, 150)
    codes = {33723: "IPTC", 34377: "Photoshop", 37500: "MakerNote", 50341: "PrintImageMatching", 34853: "GPS"}
    tags: list[Any] = [(code, "B", 0, new(f"TIFF {name}").encode(), True) for code, name in codes.items()]
    tags += [(700, "B", 0, _xmp(new), True), (42112, "s", 0, new("GDAL"), True), (337, "s", 0, new("printer"), True)]
    options: dict[str, Any] = {"photometric": "rgb", "metadata": None, "iccprofile": _profile(new), "extratags": tags}
    tifffile.imwrite(raw.add(".tif", "he"), picture, description=new("description"), **options)
    text = PngImagePlugin.PngInfo()
    text.add_text("XML:com.adobe.xmp", _xmp(new).decode())
    text.add_text("Comment", new("compressed PNG text"), zip=True)
    text.add(b"prVt", new("private PNG chunk").encode())
    image = Image.fromarray(picture)
    image.save(raw.add(".png", "he"), pnginfo=text, icc_profile=_profile(new))
    path = raw.add(".jpg", "he")
    image.save(path, icc_profile=_profile(new), xmp=_xmp(new), quality=95)
    data, block = path.read_bytes(), new("JPEG APP13").encode()
    path.write_bytes(
        data[:2] + b"\xff\xed" + struct.pack(">H", 2 + len(block)) + block + data[2:] + new("trailer").encode()
    )


def _write_masked(raw: RawFolder) -> None:
    new = raw.canaries.new
    for ending in (".npz", ".geojson"):
        path = raw.add(".ome.tif", "codex", tissue=new("tissue"))
        size = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeYUnit": "µm"}
        metadata = {"axes": "CYX", "Channel": {"Name": list(CHANNELS)}, **size}
        tifffile.imwrite(path, pixels(), metadata=metadata)
        mask = raw.path / f"{new('name of a mask')}{ending}"
        (_write_npz if ending == ".npz" else _write_geojson)(mask, new)
        raw.rows[-1]["cell_mask"] = mask.name


def _write_npz(path: Path, new: Any) -> None:
    labels = np.zeros((130, 150), np.int32)
    labels[20:60, 30:90], labels[70:100, 30:90] = 1, 2
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in (("mask", labels), (new("member of a mask"), np.array([new("text of a mask")]))):
            member = io.BytesIO()
            np.save(member, array)
            archive.writestr(f"{name}.npy", member.getvalue())
        archive.comment = new("comment of a mask").encode()


def _write_geojson(path: Path, new: Any) -> None:
    def feature(left: int, kind: str) -> dict[str, Any]:
        ring = [[left, 10], [left + 30, 10], [left + 30, 40], [left, 40], [left, 10]]
        said = {"objectType": kind, "name": new("GeoJSON name"), "metadata": {new("GeoJSON key"): new("GeoJSON value")}}
        said |= {"classification": {"name": new("GeoJSON class")}, "measurements": {new("GeoJSON measurement"): 1.0}}
        geometry = {"type": "Polygon", "coordinates": [ring]}
        return {"type": "Feature", "id": new("GeoJSON id"), "geometry": geometry, "properties": said}

    features = [feature(5, "cell"), feature(50, "cell"), feature(90, new("GeoJSON kind"))]
    path.write_text(json.dumps({"type": "FeatureCollection", "name": new("GeoJSON file"), "features": features}))


def _write_csv(path: Path, canaries: Canaries, tissues: list[str], numbers: list[int]) -> None:
    rows = zip(tissues, numbers, KINDS, (canaries.new("dropped cell") for _ in numbers), strict=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("tissue", "cell_id", "cell_type", "remark"), *rows])


def _write_parquet(path: Path, canaries: Canaries, tissues: list[str], numbers: list[int]) -> None:
    def category(values: list[str]) -> pa.DictionaryArray:
        words = sorted(set(values))
        unused = pa.array([*words, canaries.new("unused category")])
        return pa.DictionaryArray.from_arrays(pa.array([words.index(v) for v in values], pa.int32()), unused)

    columns = {"tissue": category(tissues), "cell_id": numbers, "cell_type": category(list(KINDS))}
    columns["remark"] = [canaries.new("dropped cell") for _ in numbers]
    table = pa.table(columns).replace_schema_metadata({canaries.new("Parquet key"): canaries.new("Parquet value")})
    pq.write_table(table, path)


def _write_anndata(path: Path, canaries: Canaries, tissues: list[str], numbers: list[int]) -> None:
    import h5py

    text, new = h5py.string_dtype(), canaries.new
    with h5py.File(path, "w") as file:
        obs, index = file.create_group("obs"), new("name of the index")
        obs.attrs["_index"] = index
        obs.attrs["column-order"] = np.array(["tissue", "cell_id", "cell_type", "remark"], dtype=text)
        obs[index] = np.array([new("obs name") for _ in numbers], dtype=text)
        obs["cell_id"] = numbers
        remarks = [new("dropped cell") for _ in numbers]
        for name, values in (("tissue", tissues), ("cell_type", list(KINDS)), ("remark", remarks)):
            words = [*sorted(set(values)), new("unused category")]
            column = obs.create_group(name)
            column["categories"] = np.array(words, dtype=text)
            column["codes"] = np.array([words.index(value) for value in values], np.int8)
            column.attrs["note"] = new("HDF5 attribute")
        file.create_group("uns")[new("key of uns")] = new("uns")
        file.create_group("obsm")["spatial"] = np.array([[60.0, 40], [60, 85], [20, 25], [65, 25]])
        file.create_group("var")["_index"] = np.array([new("var name")], dtype=text)


def _write_sheets(raw: RawFolder, table: str) -> None:
    new = raw.canaries.new
    header = list(dict.fromkeys(key for row in raw.rows for key in row))
    with (raw.path / "tissues.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *([row.get(name, "") for name in header] for row in raw.rows)])
    panel = [f"{name},{name},{new('further column of a panel')}" for name in CHANNELS]
    (raw.path / "panel_codex.csv").write_text("\n".join(["channel,marker,lot", *panel]))
    for name in (".DS_Store", "Thumbs.db"):
        (raw.path / name).write_text(new("file of an operating system"))
    settings = 'name = "smith2023novel"\n[mask]\nmethod = "full"\n[cells]\n'
    settings += (
        f'table = "{table}"\n[privacy.columns]\n"tissues.dropped" = "drop"\n"tissues.hashed" = {{ hash = true }}\n'
    )
    (raw.path / "spora.toml").write_text(f'{settings}"cells.remark" = "drop"\n')
