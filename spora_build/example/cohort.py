"""The example's raw folder: registered CODEX and H&E of three patients, and one real immunohistochemistry picture."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from spora_build.example.tissue import MARKERS, draw_hematoxylin_eosin, draw_multiplex, make_tissue

NAME = "example2026demo"
MPP = 0.5
HEIGHT_PX, WIDTH_PX = 640, 768
PATIENTS = ("P-001", "P-002", "P-002", "P-003")
_PANEL = (
    ("DAPI", "DAPI", "", "true"),
    ("PanCK", "panCK", "P05787", "false"),
    ("CD3", "CD3E", "P07766", "false"),
    ("CD20", "MS4A1", "P11836", "false"),
    ("CD68", "CD68", "P34810", "false"),
    ("Blank", "Blank", "", "false"),
)
_CLINICAL = (
    ("P-001", "II", "alive", "41"),
    ("P-002", "III", "deceased", "17"),
    ("P-003", "I", "alive", "60"),
)


def write_example(folder: Path) -> None:
    """Write the raw folder: images, cell masks and sheets. The same bytes on every machine with the same libraries."""
    import tifffile
    from skimage import data
    from skimage.io import imsave

    folder.mkdir(parents=True, exist_ok=True)
    tissues: list[tuple[str, ...]] = []
    cells: list[tuple[str, ...]] = []
    for number, patient in enumerate(PATIENTS, start=1):
        tissue = make_tissue(HEIGHT_PX, WIDTH_PX, seed=number)
        codex, he, mask = f"codex/core{number}.ome.tif", f"he/core{number}.tif", f"masks/core{number}.tif"
        for name in (codex, he, mask):
            (folder / name).parent.mkdir(exist_ok=True)
        tifffile.imwrite(
            folder / codex,
            draw_multiplex(tissue, number),
            ome=True,
            tile=(256, 256),
            compression="zlib",
            metadata={
                "axes": "CYX",
                "Channel": {"Name": list(MARKERS)},
                "PhysicalSizeX": MPP,
                "PhysicalSizeY": MPP,
                "PhysicalSizeXUnit": "µm",
                "PhysicalSizeYUnit": "µm",
                "UUID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            },
        )
        pixels_per_cm = 1e4 / MPP
        tifffile.imwrite(
            folder / he,
            draw_hematoxylin_eosin(tissue, number),
            photometric="rgb",
            tile=(256, 256),
            compression="zlib",
            resolution=(pixels_per_cm, pixels_per_cm),
            resolutionunit="CENTIMETER",
            metadata=None,
        )
        tifffile.imwrite(folder / mask, tissue.labels, compression="zlib", metadata=None)
        core = f"core {number}"
        tissues += [(codex, patient, "codex", core, "", mask), (he, patient, "he", core, "", "")]
        cells += [(core, str(cell), kind) for cell, kind in enumerate(tissue.types, start=1)]
    imsave(folder / "ihc.png", data.immunohistochemistry(), check_contrast=False)  # type: ignore[no-untyped-call,unused-ignore]
    # its true pixel size is not published; half a micron is a usual one for such a picture
    tissues.append(("ihc.png", "P-003", "ihc_FHL2", "", str(MPP), ""))
    _write_csv(folder / "tissues.csv", ("image", "patient", "modality", "tissue", "mpp", "cell_mask"), tissues)
    _write_csv(folder / "panel_codex.csv", ("channel", "marker", "uniprot_id", "is_nuclear_marker"), _PANEL)
    _write_csv(folder / "clinical.csv", ("patient", "stage", "vital_status", "survival_months"), _CLINICAL)
    _write_csv(folder / "cells.csv", ("tissue", "cell_id", "cell_type"), cells)
    (folder / "spora.toml").write_text(f'name = "{NAME}"\n', encoding="utf-8")


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
