"""Small pictures beside a dataset: of the image that stands, or none."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from spora_build.model.geometry import Size
from spora_build.model.modality import Modality
from spora_build.store import coarse
from spora_build.store.coarse import CoarsePicture, KeptPlanes
from spora_build.store.image_writer import ImageSpec, write_image
from spora_build.store.layout import Layout
from tests.store.sources import ArraySource

IHC = Modality("ihc_CD3E")
PICTURE = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)


def store(layout: Layout, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, (3, 64, 64)).astype(np.uint8)
    spec = ImageSpec(("r", "g", "b"), Size(64, 64), pixels.dtype, 0.5, is_rgb=True)
    write_image(layout.image(IHC, 0.5, "t"), spec, ArraySource(pixels), channels=range(3), block=Size(64, 64))


@pytest.fixture
def kept(tmp_path: Path) -> CoarsePicture:
    layout = Layout(tmp_path / "a2026b")
    layout.root.mkdir()
    layout.private.mkdir()
    store(layout, 0)
    picture = CoarsePicture(layout, IHC, 0.5, "t")
    picture.put(PICTURE, 4.0)
    return picture


def files(kept: CoarsePicture) -> list[Path]:
    return list((kept.layout.private / "coarse").rglob("*.npy"))


def test_what_was_put_is_found_until_it_is_dropped(kept: CoarsePicture) -> None:
    found = kept.find(4.0)
    assert found is not None
    np.testing.assert_array_equal(found, PICTURE)
    assert kept.find(8.0) is None
    assert CoarsePicture(kept.layout, IHC, 1.0, "t").find(4.0) is None
    kept.put(PICTURE[:, :2], 8.0)
    assert len(files(kept)) == 1 and kept.find(8.0) is not None and kept.find(4.0) is None
    kept.drop()
    assert kept.find(4.0) is None and not files(kept)


def test_channels_are_read_one_by_one_as_often_as_wanted(kept: CoarsePicture) -> None:
    found = kept.find(4.0)
    assert found is not None
    planes = KeptPlanes(found, [2, 0])
    for _ in range(2):
        np.testing.assert_array_equal(np.stack(list(planes)), PICTURE[[2, 0]])


def test_of_another_image_nothing_is_found(kept: CoarsePicture) -> None:
    store(kept.layout, 1)
    assert kept.find(4.0) is None
    store(kept.layout, 0)
    assert kept.find(4.0) is not None


def test_of_another_way_to_make_pictures_nothing_is_found(kept: CoarsePicture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coarse, "_VERSION", coarse._VERSION + 1)
    assert kept.find(4.0) is None
    kept.drop()
    assert not files(kept)


@pytest.mark.parametrize("size", [0, 10, 128, 150])
def test_a_torn_picture_is_none(kept: CoarsePicture, size: int) -> None:
    (file,) = files(kept)
    file.write_bytes(file.read_bytes()[:size])
    assert kept.find(4.0) is None


def test_without_a_private_folder_nothing_is_kept(kept: CoarsePicture) -> None:
    shutil.rmtree(kept.layout.private)
    kept.put(PICTURE, 4.0)
    assert kept.find(4.0) is None and not kept.layout.private.exists()
    kept.drop()


def test_of_a_damaged_image_there_is_none(kept: CoarsePicture) -> None:
    (kept.layout.image(IHC, 0.5, "t") / "zarr.json").write_text("{}")
    assert kept.find(4.0) is None
    kept.put(PICTURE, 4.0)
    assert not files(kept)
