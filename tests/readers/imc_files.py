"""IMC files made by code: .mcd with the XML that instruments write (as far as it matters), and .txt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

NAMESPACE = "http://www.fluidigm.com/IMC/MCDSchema_V2_0.xsd"


@dataclass
class Acquisition:
    """One acquisition of a made .mcd file; ``metadata`` overrides (None: leaves out) what the XML says of it."""

    pixels: NDArray[np.float32]
    id: int = 1
    description: str = "ROI_001"
    labels: tuple[str, ...] = ()
    metals: tuple[tuple[str, int], ...] = ()
    metadata: dict[str, str | None] = field(default_factory=dict)
    order: NDArray[Any] | None = None
    """Order in which the pixels were ablated (flat indices); a part of them where the acquisition was stopped."""


def imc_pixels(channels: int = 4, height: int = 7, width: int = 9, seed: int = 0) -> NDArray[np.float32]:
    """Ion counts that text with three decimals holds exactly as float32."""
    counts = np.random.default_rng(seed).poisson(3.0, (channels, height, width)) * 1000 + 123
    return np.array([float(f"{value / 1000:.3f}") for value in counts.ravel()], np.float32).reshape(counts.shape)


def metals_of(acquisition: Acquisition) -> tuple[tuple[str, int], ...]:
    """The metals of an acquisition, some where none are given."""
    return acquisition.metals or tuple(("Pr", 141 + index) for index in range(len(acquisition.pixels)))


def labels_of(acquisition: Acquisition) -> tuple[str, ...]:
    """The labels of an acquisition, some where none are given."""
    return acquisition.labels or tuple(f"Marker{index}_77((12))" for index in range(len(acquisition.pixels)))


def records(acquisition: Acquisition) -> NDArray[np.float32]:
    """X, Y, Z and the channels of every ablated pixel."""
    channels, height, width = acquisition.pixels.shape
    rows, cols = np.divmod(np.arange(height * width), width)
    table = np.column_stack([cols, rows, np.arange(height * width), acquisition.pixels.reshape(channels, -1).T])
    return (table if acquisition.order is None else table[acquisition.order]).astype("<f4")


def write_mcd(path: Path, acquisitions: list[Acquisition], *, prefix: bytes = b"x" * 37, extra_xml: str = "") -> Path:
    """Write a .mcd file: anything (slide pictures), the records of each acquisition, the XML in UTF-16."""
    content = bytearray(prefix)
    elements = [
        _element("Slide", ID="0", Description="Slide"),
        _element("Panorama", ID="1", SlideID="0", Type="Default"),
        extra_xml,
    ]
    for acquisition in acquisitions:
        data = records(acquisition).tobytes()
        said: dict[str, str | None] = {
            "ID": str(acquisition.id),
            "Description": acquisition.description,
            "AblationDistanceBetweenShotsX": "1",
            "AblationDistanceBetweenShotsY": "1",
            "AcquisitionROIID": str(acquisition.id),
            "DataStartOffset": str(len(content)),
            "DataEndOffset": str(len(content) + len(data)),
            "SegmentDataFormat": "Float",
            "ValueBytes": "4",
            "MaxY": str(acquisition.pixels.shape[1]),
            "MaxX": str(acquisition.pixels.shape[2]),
        }
        said.update(acquisition.metadata)
        content += data
        elements.append(_element("AcquisitionROI", ID=str(acquisition.id), PanoramaID="1"))
        elements.append(_element("Acquisition", **said))
        names = ["X", "Y", "Z", *(f"{metal}({mass})" for metal, mass in metals_of(acquisition))]
        for number, (name, label) in enumerate(zip(names, ["X", "Y", "Z", *labels_of(acquisition)], strict=True)):
            elements.append(
                _element(
                    "AcquisitionChannel",
                    ChannelName=name,
                    OrderNumber=str(number),
                    AcquisitionID=str(acquisition.id),
                    ChannelLabel=label,
                )
            )
    schema = f'<MCDSchema xmlns="{NAMESPACE}">{"".join(elements)}</MCDSchema>'
    path.write_bytes(bytes(content) + schema.encode("utf-16-le") + "<MCDPublic></MCDPublic>".encode("utf-16-le"))
    return path


def write_txt(path: Path, acquisition: Acquisition, *, newline: str = "\n") -> Path:
    """Write the text file of an acquisition, three decimals as instruments do."""
    columns = ["Start_push", "End_push", "Pushes_duration", "X", "Y", "Z"]
    for label, (metal, mass) in zip(labels_of(acquisition), metals_of(acquisition), strict=True):
        columns.append(f"{label}({metal}{mass}Di)")
    lines = ["\t".join(columns)]
    for number, record in enumerate(records(acquisition)):
        pushes = [str(1708 + 384 * number), str(2091 + 384 * number), "384"]
        lines.append(
            "\t".join([*pushes, *(str(int(value)) for value in record[:3]), *(f"{v:.3f}" for v in record[3:])])
        )
    path.write_bytes((newline.join(lines) + newline).encode())
    return path


def _element(tag: str, **children: str | None) -> str:
    inner = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in children.items() if value is not None)
    return f"<{tag}>{inner}</{tag}>"
