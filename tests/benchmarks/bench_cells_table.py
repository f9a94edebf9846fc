"""Ten million cells, from label masks and a CSV to cells.parquet: seconds and peak memory of the whole ``convert``.

    python -m tests.benchmarks.bench_cells_table FOLDER [TISSUES [CELLS_PER_TISSUE]]

By default ten tissues of a million cells. The raw folder, 1.5 GB, is made once. Takes minutes: not in ``make bench``.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import tifffile

from tests.benchmarks.measure import Command, run_once

NAME = "bench2026cells"
PITCH_PX, CELL_PX = 4, 3
KINDS = ("B cell", "T cell", "macrophage", "stroma", "tumour", "vessel")


def make_raw(raw: Path, tissues: int, cells: int) -> None:
    """Square cells on a lattice, four channels of noise, one CSV of all cells in the order of the images."""
    raw.mkdir(parents=True)
    side = int(np.ceil(np.sqrt(cells)))
    rng = np.random.default_rng(0)
    numbers = np.arange(1, side * side + 1, dtype=np.uint32).reshape(side, side)
    numbers[numbers > cells] = 0
    lattice = np.kron(numbers, np.ones((PITCH_PX, PITCH_PX), np.uint32))
    inside = np.arange(side * PITCH_PX) % PITCH_PX < CELL_PX
    labels = lattice * (inside[:, None] & inside)
    pixels = rng.poisson(20, (4, *labels.shape)).astype(np.uint16)
    options = {"compression": "zlib", "tile": (512, 512)}
    tifffile.imwrite(raw / "0.tif", pixels, photometric="minisblack", metadata={"axes": "CYX"}, **options)
    tifffile.imwrite(raw / "mask.tif", labels, photometric="minisblack", **options)
    for at in range(1, tissues):
        (raw / f"{at}.tif").hardlink_to(raw / "0.tif")
    with (raw / "tissues.csv").open("w", newline="") as file:
        rows = [(f"{at}.tif", f"P{at}", "codex", "1.0", "mask.tif") for at in range(tissues)]
        csv.writer(file).writerows([("image", "patient", "modality", "mpp", "cell_mask"), *rows])
    (raw / "panel_codex.csv").write_text("channel,marker\n,DAPI\n,CD3E\n,CD8A\n,CD4\n")
    with (raw / "cells.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("image", "cell_id", "cell_type", "score", "cluster", "eccentricity"))
        for at in range(tissues):
            kinds, scores = rng.integers(0, len(KINDS), cells), rng.random(cells)
            for cell, (kind, score) in enumerate(zip(kinds.tolist(), scores.tolist(), strict=True), start=1):
                writer.writerow((f"{at}.tif", cell, KINDS[kind], f"{score:.6f}", kind % 4, f"{1 - score:.6f}"))


def main(folder: Path, tissues: int = 10, cells: int = 1_000_000) -> None:
    """Make the raw folder where it is missing, convert it, and print what that took."""
    raw = folder / f"raw_{tissues}x{cells}"
    if not raw.exists():
        make_raw(raw.with_suffix(".unfinished"), tissues, cells)
        raw.with_suffix(".unfinished").rename(raw)
    for made in (folder / NAME, folder / f"{NAME}.private"):
        shutil.rmtree(made, ignore_errors=True)
    program = [sys.executable, "-c", "from spora_build.cli.app import main; main()"]
    used = run_once(Command("convert", [*program, "convert", raw, "--name", NAME, "--out", folder, "--jobs", "1"]))
    table = pq.ParquetFile(folder / NAME / "metadata" / "cells.parquet")
    assert table.metadata.num_rows == tissues * cells, table.metadata.num_rows
    labelled = table.metadata.num_rows - sum(
        table.metadata.row_group(group).column(table.schema_arrow.names.index("cell_type")).statistics.null_count
        for group in range(table.metadata.num_row_groups)
    )
    assert labelled == tissues * cells, labelled
    print(f"{table.metadata.num_rows} cells: {used.cpu_s:.0f} CPU s, {used.wall_s:.0f} s, peak {used.peak_mb:.0f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
