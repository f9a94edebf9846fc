"""A raw folder in which every text that can identify somebody is a canary: files of every format, and all sheets."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from tests.canary.search import MARK
from tests.readers import imc_files, slide_makers
from tests.readers.zarr_files import write_ome_zarr

CHANNELS = ("DAPI", "CD3", "CD8")
LABEL = slide_makers.FORBIDDEN
"""Value of every pixel of labels, macros, thumbnails and levels: nowhere in a scan."""


@dataclass
class Canaries:
    """Gives tokens out and remembers what each stands for."""

    meaning: dict[str, str] = field(default_factory=dict)

    def new(self, meaning: str) -> str:
        """A token of 11 letters and digits."""
        token = f"{MARK}{len(self.meaning):03d}"
        self.meaning[token] = meaning
        return token

    def of(self, *words: str) -> set[str]:
        """Tokens whose meaning starts with one of the words."""
        return {token for token, meaning in self.meaning.items() if meaning.startswith(words)}


@dataclass
class RawFolder:
    """The folder and its tokens."""

    path: Path
    canaries: Canaries
    rows: list[dict[str, str]] = field(default_factory=list)

    def add(self, name: str, modality: str, **more: str) -> Path:
        """A row of tissues.csv about an image that is called by tokens; returns its path."""
        folder, stem = self.canaries.new("name of a folder"), self.canaries.new("name of a file")
        new = self.canaries.new
        self.rows.append(
            {
                "image": f"{folder}/{stem}{name}",
                "patient": new("patient"),
                "modality": modality,
                "biopsy": new("biopsy"),
                "dropped": new("dropped column of tissues.csv"),
                "hashed": new("hashed column of tissues.csv"),
                "block": "a",
                "mpp": "0.5",
                **more,
            }
        )
        (self.path / folder).mkdir(parents=True)
        return self.path / folder / f"{stem}{name}"


def write_raw_folder(path: Path) -> RawFolder:
    """Write it all."""
    raw = RawFolder(path, Canaries())
    _write_ome_tiff(raw)
    with _tags_on_every_page(raw.canaries):
        _write_slides(raw)
    _write_pictures(raw)
    _write_imc(raw)
    _write_folders(raw)
    _write_sheets(raw)
    return raw


def pixels(channels: int = 3, height: int = 130, width: int = 150, dtype: str = "uint16") -> NDArray[Any]:
    """Channels that differ everywhere and never have the value of a label."""
    values = np.random.default_rng(0).integers(20, 200, (channels, height, width))
    return values.astype(dtype)


def ome_xml(new: Any) -> str:
    """OME-XML with a canary in each of its text fields."""
    channels = "".join(f'<Channel ID="Channel:0:{n}" Name="{name}" Fluor="{new("Fluor")}" SamplesPerPixel="1"/>'
                       for n, name in enumerate(CHANNELS))  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
        f' Creator="{new("Creator")}" UUID="urn:uuid:{new("UUID")}">'
        f'<Project ID="Project:0" Name="{new("Project")}"><Description>{new("Project")}</Description></Project>'
        f'<Dataset ID="Dataset:0" Name="{new("Dataset")}"/>'
        f'<Experiment ID="Experiment:0"><Description>{new("Experiment")}</Description></Experiment>'
        f'<Experimenter ID="Experimenter:0" FirstName="{new("first name")}" LastName="{new("last name")}"'
        f' Email="{new("e-mail")}@hospital.example" Institution="{new("Institution")}" UserName="{new("UserName")}"/>'
        f'<Instrument ID="Instrument:0"><Microscope Model="{new("Model")}" SerialNumber="{new("SerialNumber")}"/>'
        f'<Detector ID="Detector:0" SerialNumber="{new("SerialNumber")}"/></Instrument>'
        f'<Image ID="Image:0" Name="{new("image name")}"><AcquisitionDate>1987-06-05T04:03:02</AcquisitionDate>'
        f'<ExperimenterRef ID="Experimenter:0"/><Description>{new("image description")}</Description>'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="150" SizeY="130" SizeZ="1" SizeC="3"'
        ' SizeT="1" PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeXUnit="µm" PhysicalSizeYUnit="µm">'
        f'{channels}<TiffData IFD="0" PlaneCount="3"><UUID FileName="{new("UUID FileName")}.ome.tif">'
        f'urn:uuid:{new("UUID")}</UUID></TiffData><Plane TheC="0" TheZ="0" TheT="0" DeltaT="1"/></Pixels>'
        '<AnnotationRef ID="Annotation:0"/></Image><StructuredAnnotations>'
        f'<CommentAnnotation ID="Annotation:0" Namespace="{new("Namespace")}"><Value>{new("comment")}</Value>'
        f'</CommentAnnotation><XMLAnnotation ID="Annotation:1"><Value><patient name="{new("XMLAnnotation")}"/></Value>'
        f'</XMLAnnotation><MapAnnotation ID="Annotation:2"><Value><M K="Patient">{new("MapAnnotation")}</M></Value>'
        "</MapAnnotation></StructuredAnnotations></OME>"
    )


def tiff_tags(new: Any, taken: Collection[int] = (305,)) -> list[tuple[int, str, int, Any, bool]]:
    """Text tags of TIFF and EXIF that a scanner or a person may fill in; Software is an option of tifffile."""
    names = {
        269: "DocumentName", 271: "Make", 272: "Model", 285: "PageName", 305: "Software", 315: "Artist",
        316: "HostComputer", 33432: "Copyright", 37510: "UserComment", 42016: "ImageUniqueID", 42032: "CameraOwnerName",
        42033: "BodySerialNumber", 65000: "a private tag",
    }  # fmt: skip
    tags: list[tuple[int, str, int, Any, bool]] = [
        (code, "s", 0, new(f"TIFF {name}"), True) for code, name in names.items() if code not in taken
    ]
    return [*tags, (306, "s", 0, "1987:06:05 04:03:02", True)]


@contextmanager
def _tags_on_every_page(canaries: Canaries) -> Iterator[None]:
    """Whatever writes TIFF pages inside the block puts tags with tokens on each, and more into the descriptions."""
    write, qpi, scn = tifffile.TiffWriter.write, slide_makers.qpi_xml, slide_makers.scn_xml

    def write_more(self: tifffile.TiffWriter, *args: Any, **options: Any) -> Any:
        own = options.get("extratags", [])
        more = tiff_tags(canaries.new, taken={305, *(tag[0] for tag in own)})
        options["software"] = options.get("software") or canaries.new("TIFF Software")
        said = options.get("description", "")
        if said.startswith("Aperio"):
            keys = ("Filename", "User", "ScanScope ID", "Title", "Barcode")
            said += "".join(f"|{key} = {canaries.new(f'SVS {key}')}" for key in keys) + "|Date = 05/06/87"
            options["description"] = said
        return write(self, *args, **{**options, "extratags": [*own, *more]})

    def more_qpi(*args: Any, **options: Any) -> str:
        keys = ("SlideID", "Barcode", "OperatorName", "StudyName", "InstrumentType", "Identifier", "ComputerName")
        more = "".join(f"<{key}>{canaries.new(f'QPI {key}')}</{key}>" for key in keys)
        return qpi(*args, **options).replace("<ScanProfile>", more + "<ScanProfile>")

    def more_scn(*args: Any, **options: Any) -> str:
        said = scn(*args, **options)
        for secret in ("secret 1", "secret 2"):
            said = said.replace(secret, canaries.new("SCN image name"))
        barcode = f"<barcode>{canaries.new('SCN barcode')}</barcode><creationDate>1987-06-05</creationDate>"
        return said.replace("<image ", barcode + "<image ", 1)

    with (
        mock.patch.object(tifffile.TiffWriter, "write", write_more),
        mock.patch.object(slide_makers, "qpi_xml", more_qpi),
        mock.patch.object(slide_makers, "scn_xml", more_scn),
    ):
        yield


def _write_ome_tiff(raw: RawFolder) -> None:
    path = raw.add(".ome.tif", "codex")
    new = raw.canaries.new
    xml = ome_xml(new)
    options: dict[str, Any] = {"photometric": "minisblack", "metadata": None, "extratags": tiff_tags(new)}
    options["software"] = new("TIFF Software")
    tifffile.imwrite(path, pixels(), description=xml.encode(), **options)
    for name in ("cell_mask", "tissue_mask"):
        file = f"{new('name of a mask')}.tif"
        mask = np.zeros((130, 150), np.uint8)
        mask[20:60, 30:90], mask[70:100, 30:90] = 1, 2
        tifffile.imwrite(raw.path / file, mask, metadata=None, description=new("mask"), extratags=tiff_tags(new))
        raw.rows[-1][name] = file


def _write_slides(raw: RawFolder) -> None:
    slide_makers.write_svs(raw.add(".svs", "he"))
    write_svs_with_label_as_level(raw.add(".svs", "he"))
    slide_makers.write_ndpi(raw.add(".ndpi", "he"))
    slide_makers.write_scn(raw.add(".scn", "he"))
    slide_makers.write_philips(raw.add(".tiff", "he"))
    slide_makers.write_bif(raw.add(".bif", "he"))
    slide_makers.write_mibi(raw.add(".tiff", "mibi"), pixels(dtype="float32"), list(CHANNELS))
    names = [(name, "") for name in CHANNELS]
    slide_makers.write_qptiff(raw.add(".qptiff", "cycif"), pixels(), names)
    with tifffile.TiffWriter(raw.add(".tif", "he")) as tiff:
        tiff.write(slide_makers.picture(130, 150), photometric="rgb", metadata=None)


def write_svs_with_label_as_level(path: Path) -> None:
    """Aperio as some converters leave it: the label tiled and reduced like a level, the macro before the levels."""
    with tifffile.TiffWriter(path) as tiff:
        jpeg = slide_makers.JPEG_RGB
        tiff.write(slide_makers.picture(200, 300), description="Aperio Image Library|AppMag = 20|MPP = 0.5", **jpeg)
        tiff.write(slide_makers.forbidden(80, 300), description="Aperio macro", subfiletype=9, **jpeg)
        tiff.write(slide_makers.forbidden(100, 150), description="Aperio label", subfiletype=1, **jpeg)
        tiff.write(slide_makers.forbidden(200, 300), description="Aperio label", subfiletype=1, **jpeg)


def _write_pictures(raw: RawFolder) -> None:
    new = raw.canaries.new
    exif = Image.Exif()
    for code, _, _, value, _ in tiff_tags(new, taken=()):
        exif[code] = value
    exif.get_ifd(0x8825)[29] = "1987:06:05"  # GPSDateStamp
    text = PngImagePlugin.PngInfo()
    for key in ("Title", "Author", "Description", "Comment"):
        text.add_text(key, new(f"PNG {key}"))
        text.add_itxt(f"i{key}", new(f"PNG iTXt {key}"))
    picture = Image.fromarray(slide_makers.picture(130, 150))
    picture.save(raw.add(".png", "he"), pnginfo=text, exif=exif)
    picture.save(raw.add(".jpg", "he"), exif=exif, comment=new("JPEG comment"), quality=95)


def _write_imc(raw: RawFolder) -> None:
    new = raw.canaries.new
    labels = tuple(CHANNELS)
    said: dict[str, str | None] = {"StartTimeStamp": "1987-06-05T04:03:02", "EndTimeStamp": "1987-06-05T05:03:02"}
    said |= {"Template": new("MCD Template"), "BeforeAblationImageName": new("MCD image name")}
    roi = new("MCD acquisition")
    acquisition = imc_files.Acquisition(
        imc_files.imc_pixels(3, 60, 70) + 10, description=roi, labels=labels, metadata=said
    )
    names = ("Description", "FileName", "UID", "SlideType", "SwVersion", "ImageFile")
    slide = "".join(f"<{name}>{new(f'MCD slide {name}')}</{name}>" for name in names)
    path = raw.add(".mcd", "imc", mpp="")
    imc_files.write_mcd(
        path, [acquisition], prefix=new("MCD picture").encode() * 5, extra_xml=f"<Slide><ID>9</ID>{slide}</Slide>"
    )
    imc_files.write_txt(raw.add(".txt", "imc", mpp="1.0"), acquisition)


def _write_folders(raw: RawFolder) -> None:
    new = raw.canaries.new
    path = raw.add("", "codex")
    path.mkdir()
    for name, plane in zip(CHANNELS, pixels(), strict=True):
        options: dict[str, Any] = {"metadata": None, "description": new("plane"), "extratags": tiff_tags(new)}
        tifffile.imwrite(path / f"{name}.tif", plane, **options)
    (path / f"{new('name of a stray file')}.txt").write_text(new("stray file"))
    for zarr_format, ending in ((3, ".ome.zarr"), (2, ".zarr")):
        path = raw.add(ending, "codex")
        omero = {"channels": [{"label": name} for name in CHANNELS], "name": new("omero name"), "id": new("omero id")}
        write_ome_zarr(path, pixels(), zarr_format=zarr_format, omero=omero, chunks=(3, 64, 64),
                       changes={"name": new("multiscales name"), "metadata": {"by": new("metadata")}})  # fmt: skip
        file = path / ("zarr.json" if zarr_format == 3 else ".zattrs")
        group = json.loads(file.read_text())
        (group["attributes"] if zarr_format == 3 else group)["_creator"] = {"name": new("Zarr attribute")}
        file.write_text(json.dumps(group))


def _write_sheets(raw: RawFolder) -> None:
    new = raw.canaries.new
    first = raw.rows[0]
    first["tissue"] = new("tissue")
    header = list(dict.fromkeys(key for row in raw.rows for key in row))
    _csv(raw.path / "tissues.csv", header, [[row.get(name, "") for name in header] for row in raw.rows])
    panel = [[name, name, "", new("further column of a panel")] for name in CHANNELS]
    for modality in ("codex", "cycif", "imc", "mibi"):
        _csv(raw.path / f"panel_{modality}.csv", ["channel", "marker", "uniprot_id", "lot"], panel)
    _csv(
        raw.path / "clinical.csv",
        ["patient", "stage", "name", "mrn", "birth", "surgery", "diagnosis"],
        [[row["patient"], "II", new("clinical name"), new("clinical mrn"), f"195{n % 10}-02-03", "1987-06-05",
          f"1987-0{n % 9 + 1}-01"] for n, row in enumerate(raw.rows)],
    )  # fmt: skip
    cells = [[first["tissue"], n, kind, new("dropped column of cells.csv")] for n, kind in ((1, "tumour"), (2, "T"))]
    _csv(raw.path / "cells.csv", ["tissue", "cell_id", "cell_type", "annotator"], cells)
    (raw.path / "spora.toml").write_text(
        f"""# {new("comment of spora.toml")}
name = "smith2023novel"
pyramid = true
[mask]
method = "full"
[privacy.columns]
"tissues.dropped" = "drop"
"tissues.hashed" = {{ hash = true }}
"tissues.block" = {{ allow = "{new("who allowed")}", on = 2026-01-31 }}
"clinical.name" = "drop"
"clinical.mrn" = {{ hash = true }}
"clinical.birth" = "drop"
"clinical.surgery" = {{ days_since = "diagnosis" }}
"clinical.diagnosis" = "drop"
"cells.annotator" = "drop"
"""
    )


def _csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
