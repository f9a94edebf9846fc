"""Quick pictures of one tissue, and napari where there is one."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from spora_build.checks.view import DatasetView
from spora_build.errors import EnvironmentFaultError, UsageError
from spora_build.workflows.reporting.view import (
    draw_tissue,
    find_tissue,
    open_in_napari,
    picture_path,
    write_picture,
)
from tests.checks.build_dataset import CHANNELS, IHC_ONLY, IMC_ONLY, LACKING, REGISTERED, build_dataset


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> DatasetView:
    return DatasetView(build_dataset(tmp_path_factory.mktemp("view")))


def test_a_tissue_by_its_id_or_a_part_of_it(view: DatasetView) -> None:
    assert find_tissue(view, REGISTERED) == find_tissue(view, "abcdefgh") == REGISTERED
    assert find_tissue(view, "0001") == IHC_ONLY
    with pytest.raises(UsageError, match=f"{IMC_ONLY}, {IHC_ONLY}"):
        find_tissue(view, "qrstuvwx")
    for text in ("Jane Doe", ""):
        with pytest.raises(UsageError) as caught:
            find_tissue(view, text)
        assert not text or text not in str(caught.value)


def test_every_modality_has_a_picture(view: DatasetView, tmp_path: Path) -> None:
    pictures = draw_tissue(view, REGISTERED, side_px=200)
    assert [picture.modality for picture in pictures] == ["he", "imc"]
    for picture in pictures:
        assert max(picture.rgb.shape) == 200
        path = picture_path(view, tmp_path, REGISTERED, picture.modality)
        write_picture(path, picture)
        assert np.array_equal(np.asarray(Image.open(path)), picture.rgb)
    assert [entry.channel for entry in pictures[1].legend][:1] == ["DAPI"]
    assert pictures[0].legend == ()


def test_brightfield_is_as_it_is_but_for_the_outline(view: DatasetView) -> None:
    import zarr

    (with_line,) = draw_tissue(view, REGISTERED, modality="he")
    (without,) = draw_tissue(view, REGISTERED, modality="he", outline=False)
    path = view.layout.image(view.modalities[1], 0.5, REGISTERED)
    pixels = np.asarray(zarr.open_group(str(path), mode="r")["0"][:])  # type: ignore[index]
    assert np.array_equal(without.rgb, np.moveaxis(pixels, 0, -1))
    changed = (with_line.rgb != without.rgb).any(axis=-1)
    assert changed.any() and not changed[40:-40, 40:-40].any()


def test_a_channel_that_the_tissue_lacks_is_not_shown(view: DatasetView) -> None:
    (picture,) = draw_tissue(view, IMC_ONLY, markers=[LACKING, "DAPI"])
    assert [entry.channel for entry in picture.legend] == ["DAPI"]
    with pytest.raises(UsageError):
        draw_tissue(view, IMC_ONLY, modality="codex")


def test_pictures_never_lie_inside_the_dataset(view: DatasetView) -> None:
    assert picture_path(view, view.root / "metadata", REGISTERED, "he").parent == view.root.resolve().parent


def test_without_napari_the_extra_is_named(view: DatasetView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "napari", None)
    with pytest.raises(EnvironmentFaultError, match=r"spora-build\[napari\]"):
        open_in_napari(view, REGISTERED)


def test_napari_gets_channels_masks_and_cells(view: DatasetView, monkeypatch: pytest.MonkeyPatch) -> None:
    layers: list[tuple[str, Any, tuple[int, ...], dict[str, Any]]] = []

    class Viewer:
        def __init__(self, title: str) -> None:
            assert title == REGISTERED

        def add_image(self, data: Any, **options: Any) -> None:
            layers.append(("image", options["name"], data.shape, options))

        def add_labels(self, data: Any, **options: Any) -> None:
            layers.append(("labels", options["name"], data.shape, options))

    ran: list[bool] = []
    fake = types.SimpleNamespace(Viewer=Viewer, run=lambda: ran.append(True))
    monkeypatch.setitem(sys.modules, "napari", fake)
    open_in_napari(view, REGISTERED)
    assert ran == [True]
    multiplex = next(options for kind, name, _, options in layers if name == CHANNELS)
    assert all(0 <= low < high < 1000 for low, high in multiplex["contrast_limits"])  # not the range of uint16
    assert next(name for name, seen in zip(CHANNELS, multiplex["visible"], strict=True) if seen) == "DAPI"
    assert multiplex["colormap"][0] == "#406cff" and len(multiplex["colormap"]) == len(CHANNELS)
    assert [(kind, name, shape) for kind, name, shape, _ in layers] == [
        ("image", "he", (520, 540, 3)),
        ("image", CHANNELS, (4, 260, 270)),
        ("labels", "tissue", (520, 540)),
        ("labels", "cells", (520, 540)),
    ]
    assert [options["scale"] for *_, options in layers] == [(0.5, 0.5), (1.0, 1.0), (0.5, 0.5), (0.5, 0.5)]
