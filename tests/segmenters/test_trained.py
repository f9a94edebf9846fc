"""Trained models through stand-ins of their packages: what they are shown, what becomes of their labels."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from spora_build.errors import EnvironmentFaultError, InvalidDataError, UsageError
from spora_build.model.geometry import Size
from spora_build.segmenters import Planes, find_segmenter, segmenters
from spora_build.segmenters._trained import TrainedSegmenter, TrainedSettings, _loaded
from tests.segmenters import stand_ins

METHODS = ("cellpose", "instanseg", "stardist")
MODULE = {"cellpose": "cellpose.models", "instanseg": "instanseg", "stardist": "stardist.models"}


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with weights of each, and the packages that take them."""
    stand_ins.install(tmp_path / "packages", monkeypatch)
    for name in ("cpsam", "instanseg.pt"):
        (tmp_path / name).write_text("weights")
    (tmp_path / "fluo").mkdir()
    (tmp_path / "fluo" / "config.json").write_text(json.dumps({"n_channel_in": 1}))
    _loaded.cache_clear()
    yield tmp_path
    _loaded.cache_clear()
    stand_ins.uninstall()


def weights(folder: Path, method: str) -> Path:
    return folder / {"cellpose": "cpsam", "instanseg": "instanseg.pt", "stardist": "fluo"}[method]


def segmenter(method: str) -> TrainedSegmenter:
    found = find_segmenter(method)
    assert isinstance(found, TrainedSegmenter)
    return found


def tissue(height: int = 300, width: int = 340) -> NDArray[np.uint16]:
    """Bright patches in the nuclear plane, dimmer rims in that of bodies."""
    noise = ndimage.gaussian_filter(np.random.default_rng(1).random((height, width)), 3)
    nuclei = noise > np.quantile(noise, 0.9)
    bodies = ndimage.binary_dilation(nuclei, iterations=2)
    return np.stack([nuclei * 900 + 100, bodies * 3000 + 20]).astype(np.uint16)


def planes(pixels: NDArray[np.uint16], mpp: float = 0.5, nuclear: int = 1) -> Planes:
    return Planes(Size(*pixels.shape[1:]), mpp, lambda window: pixels[(slice(None), *window.slices)], nuclear)


def labels(method: str, seen: Planes, settings: TrainedSettings, tile_px: int = 1024) -> NDArray[np.uint32]:
    bands = replace(segmenter(method), tile_px=tile_px).label_bands(seen, settings)
    return np.concatenate([band.copy() for band in bands])


@pytest.mark.parametrize("method", METHODS)
def test_labels_are_those_of_the_model(packages: Path, method: str) -> None:
    pixels = tissue()[:1] if method == "stardist" else tissue()
    settings = TrainedSettings(weights(packages, method), expand_um=0)
    made = labels(method, planes(pixels), settings)
    true, count = ndimage.label(pixels[-1] > pixels[-1].min())
    assert made.dtype == np.uint32
    assert np.array_equal(made > 0, true > 0)
    assert made.max() == count
    assert len(np.unique(np.stack([made[true > 0], true[true > 0]]), axis=1).T) == count
    tiled = labels(method, planes(pixels, mpp=4.0), settings, tile_px=150)  # so that a margin is 128 px
    assert np.array_equal(tiled > 0, true > 0)
    assert len(np.unique(np.stack([tiled[true > 0], true[true > 0]]), axis=1).T) == count


@pytest.mark.parametrize("method", METHODS)
def test_pixels_are_brought_to_the_percentiles_of_the_whole_image(packages: Path, method: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.gamma(2.0, 300.0, (3, 90, 120)).astype(np.float32)
    chosen = pixels[:2] if method == "stardist" else pixels
    labels(method, planes(chosen, nuclear=2), TrainedSettings(weights(packages, method)))
    (image, _), *rest = importlib.import_module(MODULE[method]).SEEN
    assert not rest
    ends = [np.percentile(plane, segmenter(method).percentiles) for plane in chosen]
    each = [(plane - low) / (high - low) for plane, (low, high) in zip(chosen, ends, strict=True)]
    nuclear = np.mean(each[:2], axis=0)
    if method == "stardist":
        assert np.allclose(image, nuclear, atol=1e-5)
    elif method == "instanseg":
        assert np.allclose(image, [nuclear, each[2]], atol=1e-5)
    else:
        assert np.allclose(image[..., 0], each[2], atol=1e-5)
        assert np.allclose(image[..., 1], nuclear, atol=1e-5)
        assert not image[..., 2].any()


@pytest.mark.parametrize(("method", "told"), [("cellpose", 60.0), ("stardist", 0.5), ("instanseg", 0.25)])
def test_the_pixel_size_that_the_model_sees(packages: Path, method: str, told: float) -> None:
    """An image at 0.5 µm for a model of 1 µm: half the size."""
    pixels = tissue(60, 70)[:1]
    labels(method, planes(pixels), TrainedSettings(weights(packages, method), model_mpp=1.0))
    labels(method, planes(pixels), TrainedSettings(weights(packages, method)))
    seen = [how for _, how in importlib.import_module(MODULE[method]).SEEN]
    assert seen == [told, 0.5 if method == "instanseg" else None]


def test_cells_grow_beyond_nuclei(packages: Path) -> None:
    pixels = tissue()[:1]
    how = TrainedSettings(weights(packages, "stardist"))
    nuclei = labels("stardist", planes(pixels), replace(how, expand_um=0))
    cells = labels("stardist", planes(pixels), how)
    distance = ndimage.distance_transform_edt(nuclei == 0)
    assert np.array_equal(cells > 0, distance <= 4.0)  # 2 µm at 0.5


@pytest.mark.parametrize("method", METHODS)
def test_what_is_told_of_a_model(packages: Path, method: str) -> None:
    given = weights(packages, method)
    told = segmenter(method).provenance(TrainedSettings(given))
    distribution = segmenter(method).distribution
    assert told["software"].startswith(f"{distribution} {stand_ins.VERSIONS[distribution]}, spora-build ")
    assert told["weights"]["name"] == given.name
    if given.is_file():
        assert told["weights"]["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert told["parameters"] == {"model_mpp": None, "expand_um": 2.0 if method == "stardist" else 0.0}
    assert str(packages) not in json.dumps(told)


@pytest.mark.parametrize("method", METHODS)
def test_weights_that_are_none(packages: Path, method: str) -> None:
    for missing in (None, packages / "nothing"):
        with pytest.raises(UsageError, match="E-SEG-011"):
            segmenter(method).provenance(TrainedSettings(missing))
    bad = packages / "bad"
    if method == "stardist":
        bad.mkdir()
        (bad / "config.json").write_text('{"n_channel_in": 3}')
    else:
        bad.write_text("something else")
    with pytest.raises(InvalidDataError, match="E-SEG-012"):
        next(segmenter(method).label_bands(planes(tissue()), TrainedSettings(bad)))


@pytest.mark.parametrize("method", METHODS)
def test_a_package_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    found = segmenter(method)
    (tmp_path / "config.json").write_text("{}")
    given = tmp_path if method == "stardist" else tmp_path / "config.json"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EnvironmentFaultError, match=rf"spora-build\[{found.extra}\]"):
        found.provenance(TrainedSettings(given))


@pytest.mark.parametrize("method", METHODS)
def test_stand_ins_have_the_signatures_of_the_real_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    calls = {
        "cellpose": ("CellposeModel", "eval"),
        "stardist": ("StarDist2D", "predict_instances"),
        "instanseg": ("InstanSeg", "eval_small_image"),
    }
    name, call = calls[method]
    real = getattr(pytest.importorskip(MODULE[method], reason="the real package"), name)
    called = real._predict_instances_generator if method == "stardist" else getattr(real, call)
    known = [inspect.signature(of).parameters for of in (real.__init__, called)]
    stand_ins.install(tmp_path, monkeypatch)
    ours = getattr(importlib.import_module(MODULE[method]), name)
    for of, parameters in zip((ours.__init__, getattr(ours, call)), known, strict=True):
        mine = list(inspect.signature(of).parameters)
        assert set(mine) <= parameters.keys()
        assert mine[:2] == list(parameters)[:2]
    stand_ins.uninstall()


def test_methods_have_the_options_of_their_kind() -> None:
    assert list(segmenters()) == ["cellpose", "instanseg", "nuclei", "stardist"]
    with pytest.raises(UsageError, match="choose among: cellpose, instanseg, nuclei, stardist"):
        find_segmenter("mesmer")
    with pytest.raises(ValueError, match="above 0"):
        TrainedSettings(model_mpp=0)
    with pytest.raises(ValueError, match="shrink"):
        TrainedSettings(expand_um=-1)
