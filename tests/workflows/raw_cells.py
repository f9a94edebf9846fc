"""A raw folder of small multiplex images with cell masks, made by code, and the stage run on it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
from numpy.typing import NDArray

from spora_build.model.report import Outcome
from spora_build.store.layout import Layout
from spora_build.workflows.cells.of_conversion import convert_cells
from spora_build.workflows.convert import Conversion, ConvertRequest, prepare, write_images
from spora_build.workflows.running.existing import Existing
from tests.workflows.conftest import KEY

NAME = "smith2023novel"


def draw_labels(height: int = 90, width: int = 120, step: int = 15, radius: float = 6.0) -> NDArray[np.uint16]:
    """Discs on a lattice, 1…N row by row."""
    labels = np.zeros((height, width), np.uint16)
    rows, cols = np.mgrid[:height, :width]
    cell = 0
    for row in range(step // 2, height, step):
        for col in range(step // 2, width, step):
            cell += 1
            labels[np.hypot(rows - row, cols - col) < radius] = cell
    return labels


def draw_channels(shape: tuple[int, ...], channels: int = 3, seed: int = 0, dtype: str = "uint16") -> NDArray[Any]:
    """Noise."""
    return (
        np.random.default_rng(seed).integers(0, 60_000 if dtype == "uint16" else 250, (channels, *shape)).astype(dtype)
    )


@dataclass
class RawCells:
    """A raw folder under construction."""

    root: Path
    rows: list[dict[str, str]] = field(default_factory=list)
    settings: str = ""

    def image(self, name: str, pixels: NDArray[Any], mpp: float = 1.0, **columns: str) -> RawCells:
        """Add an image; ``columns`` are those of tissues.csv."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb = pixels.shape[-1] == 3 and pixels.ndim == 3 and pixels.dtype == np.uint8
        tifffile.imwrite(
            path, pixels, photometric="rgb" if rgb else "minisblack", metadata=None if rgb else {"axes": "CYX"}
        )
        row = {"image": name, "patient": f"p{len(self.rows)}", "modality": "he" if rgb else "codex", "mpp": str(mpp)}
        self.rows.append({**row, **columns})
        return self

    def mask(self, name: str, labels: NDArray[Any], **options: Any) -> RawCells:
        """Add a mask file; its suffix says which."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, labels)
        elif path.suffix == ".npz":
            np.savez_compressed(path, **{options.pop("key", "mask"): labels})
        elif path.suffix == ".png":
            from skimage.io import imsave

            imsave(path, labels, check_contrast=False)
        else:
            tifffile.imwrite(path, labels, **{"photometric": "minisblack", **options})
        return self

    def table(self, rows: Sequence[Mapping[str, object]], name: str = "cells.csv", **options: Any) -> RawCells:
        """Add a table of cells."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(path, index=False, **options)
        return self

    def prepare(self, **options: Any) -> tuple[Conversion, ConvertRequest]:
        """Write the sheets and plan."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        with (self.root / "tissues.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        for modality in {row["modality"] for row in self.rows} - {"he"}:
            if not (self.root / f"panel_{modality}.csv").exists():
                text = "channel,marker,is_nuclear_marker\n,DAPI,yes\n,CD3E,no\n,CD8A,no\n"
                (self.root / f"panel_{modality}.csv").write_text(text)
        (self.root / "spora.toml").write_text(self.settings, encoding="utf-8")
        key = self.root.parent / "id.key"
        key.write_text(KEY)
        key.chmod(0o600)
        request = ConvertRequest(
            raw=self.root, name=NAME, out=self.root.parent / "out", key_file=key, **{"workers": 1, **options}
        )
        return prepare(request), request

    def run(self, **options: Any) -> Built:
        """Images and cells."""
        conversion, request = self.prepare(**options)
        write_images(conversion, request)
        outcomes = convert_cells(
            conversion.layout,
            conversion.submission,
            conversion.plan,
            self.root,
            workers=1,
            existing=Existing(request.existing),
        )
        return Built(conversion, outcomes)


@dataclass
class Built:
    """A dataset with cells."""

    conversion: Conversion
    outcomes: list[Outcome]

    @property
    def layout(self) -> Layout:
        """Its paths."""
        return self.conversion.layout

    def tissue(self, image: str) -> str:
        """Id of the tissue of a raw image."""
        return next(t.tissue_id for t in self.conversion.plan.tissues for i in t.images if i.shown_name == image)

    def instances(self, image: str, mpp: float = 1.0, task: str = "instances") -> NDArray[Any]:
        """A cell mask, read by plain numpy."""
        with np.load(self.layout.cell_mask(mpp, self.tissue(image), task)) as archive:
            return np.asarray(archive["mask"])

    @property
    def cells(self) -> pd.DataFrame:
        """cells.parquet."""
        return pd.read_parquet(self.layout.cells_table)

    @property
    def codes(self) -> list[str]:
        """Codes of all problems."""
        return [problem.code for outcome in self.outcomes for problem in outcome.problems]
