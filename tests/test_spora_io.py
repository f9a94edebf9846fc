"""The library that all users read with opens everything we write. Runs where spora-io is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from spora_build.example.cohort import write_example
from spora_build.workflows.build import build
from spora_build.workflows.convert import ConvertRequest, prepare
from tests.load_everything import load_everything


@pytest.mark.spora_io
@pytest.mark.skipif(importlib.util.find_spec("spora_io") is None, reason="spora-io is not installed")
def test_spora_io_opens_every_tissue_mask_tile_and_standardization(tmp_path: Path) -> None:
    write_example(tmp_path / "raw")
    request = ConvertRequest(raw=tmp_path / "raw", out=tmp_path, workers=1)
    conversion = prepare(request)
    build(conversion, request)
    counts = load_everything(conversion.layout.root)
    assert counts["tissues"] == 18  # 9 images at two pixel sizes
    assert counts["standardized"] == 4 * 2 * 2 * 2  # tissues × pixel sizes × methods × folder names
    assert min(counts.values()) > 0
