"""Masks from pictures that were gathered while images were written: the same bytes, without a look at the images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from spora_build.model.geometry import Size
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.store.image import StoredImage
from spora_build.store.layout import Layout
from spora_build.workflows.convert import ConvertRequest, prepare, write_images
from spora_build.workflows.images.for_mask import gather, mask_mpp
from spora_build.workflows.masks import stage
from spora_build.workflows.masks.work import MaskJob, mask_one, plan_masks
from spora_build.workflows.planning.plan import PlannedOutput
from tests.pixels.drawn_tissue import blob, brightfield, multiplex
from tests.workflows.conftest import tree_bytes
from tests.workflows.lab_folder import write_ome


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: CODEX with H&E, and CODEX alone."""
    folder = tmp_path_factory.mktemp("gathered")
    tissue = blob(1300, 1100, reach=0.35)
    stack = multiplex(tissue, 0.5)
    names = tuple(f"c{at}" for at in range(len(stack)))
    write_ome(folder / "a.ome.tif", stack, names)
    write_ome(folder / "b.ome.tif", stack[:, ::-1], names)
    light = np.ascontiguousarray(np.moveaxis(brightfield(tissue, 0.5), 0, -1))
    tifffile.imwrite(folder / "b_he.tif", light, photometric="rgb", tile=(512, 512), metadata=None)
    (folder / "tissues.csv").write_text(
        "image,patient,modality,tissue,mpp\na.ome.tif,1,codex,a,0.5\nb.ome.tif,2,codex,b,0.5\nb_he.tif,2,he,b,0.5\n"
    )
    (folder / "panel_codex.csv").write_text("channel,marker\n" + "".join(f"{name},{name}\n" for name in names))
    (folder / "spora.toml").write_text('name = "gathered2026pictures"\n')
    return folder


def converted(raw: Path, out: Path, key_file: Path, **options: Any) -> Layout:
    request = ConvertRequest(raw=raw, out=out, key_file=key_file, workers=1, **options)
    conversion = prepare(request)
    assert {outcome.status for outcome in write_images(conversion, request)} == {Status.DONE}
    return conversion.layout


def pictures(layout: Layout) -> list[Path]:
    return sorted((layout.private / "coarse").rglob("*.npy"))


@pytest.mark.parametrize("mpps", [["native"], ["native", 1.0], [1.0]])
def test_masks_are_the_same_with_and_without_pictures(
    raw: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mpps: list[Any]
) -> None:
    layout = converted(raw, tmp_path, key_file, overrides={"mpp": mpps})
    # of the tissue with H&E only the H&E, of the other its CODEX image
    assert [path.parts[-3] for path in pictures(layout)] == ["codex", "he"]
    for picture in pictures(layout):
        picture.rename(picture.with_suffix(".away"))
    for job in plan_masks(layout, MaskSettings()):
        assert mask_one(job).status is Status.DONE
    expected = tree_bytes(layout.root / "segmentations")
    for picture in (layout.private / "coarse").rglob("*.away"):
        picture.rename(picture.with_suffix(".npy"))
    read = StoredImage.read
    looked: list[int] = []

    def noted(image: StoredImage, channels: Any, window: Any) -> Any:
        looked.append(len(channels))
        return read(image, channels, window)

    monkeypatch.setattr(StoredImage, "read", noted)
    for job in plan_masks(layout, MaskSettings()):
        assert mask_one(job).status is Status.DONE
    assert set(looked) == {4}, "only what was measured of the CODEX image beside the H&E"
    assert tree_bytes(layout.root / "segmentations") == expected
    assert pictures(layout) == []


def test_nothing_is_gathered_where_the_mask_looks_elsewhere(raw: Path, key_file: Path, tmp_path: Path) -> None:
    request = ConvertRequest(raw=raw, out=tmp_path, key_file=key_file)
    tissues = prepare(request).plan.tissues
    alone = next(tissue for tissue in tissues if len(tissue.images) == 1)
    assert mask_mpp(alone, MaskSettings()) is not None
    assert mask_mpp(replace(alone, tissue_mask=Path("drawn.png")), MaskSettings()) is None
    assert mask_mpp(alone, MaskSettings(working_mpp=2.0)) is None
    (image,) = alone.images
    source: Any = None
    assert gather(alone, image, 0.5, None, source) is None
    assert gather(alone, image, 1.0, 1.0, source) is None
    assert gather(alone, image, 0.5, 2.0, source) is None, "the image at 1.0 is looked at"
    assert gather(alone, image, 1.0, 3.0, source) is None
    assert gather(alone, image, 1.0, 512.0, source) is None
    gathering = gather(alone, image, 1.0, 2.0, source)
    assert gathering is not None and gathering.factor == 2


def test_nothing_is_gathered_where_another_image_reaches_further(raw: Path, key_file: Path, tmp_path: Path) -> None:
    tissues = prepare(ConvertRequest(raw=raw, out=tmp_path, key_file=key_file)).plan.tissues
    (both,) = (tissue for tissue in tissues if len(tissue.images) == 2)
    light = next(image for image in both.images if not image.modality.is_multiplex)
    source: Any = None

    def gathered(finest: Size, own: Size) -> object:
        images = [
            replace(image, outputs=(PlannedOutput(1.0, own) if image is light else PlannedOutput(0.5, finest),))
            for image in both.images
        ]
        tissue = replace(both, images=tuple(images))
        image = next(image for image in images if image.modality == light.modality)
        return gather(tissue, image, 1.0, 2.0, source)

    assert gathered(Size(2007, 2000), Size(1004, 1000)) is not None
    assert gathered(Size(2007, 2000), Size(1003, 1000)) is not None
    assert gathered(Size(2007, 2000), Size(1002, 1000)) is None
    assert gathered(Size(2000, 2007), Size(1000, 1002)) is None


def test_no_picture_outlives_the_mask_stage(
    raw: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = converted(raw, tmp_path, key_file)
    assert pictures(layout)

    def failed(job: MaskJob) -> Outcome:
        return Outcome(job.tissue_id, "mask", Status.FAILED)

    monkeypatch.setattr(stage, "mask_one", failed)
    assert {outcome.status for outcome in stage.run_mask(layout, MaskSettings())} == {Status.FAILED}
    assert not (layout.private / "coarse").exists()


def test_the_picture_of_an_older_image_goes(raw: Path, key_file: Path, tmp_path: Path) -> None:
    layout = converted(raw, tmp_path, key_file)
    first = pictures(layout)
    again = converted(raw, tmp_path, key_file, overrides={"codec": "blosc-zstd"})
    assert len(pictures(again)) == len(first) and set(pictures(again)).isdisjoint(first)
    # a setting that looks at another pixel size
    more = {"codec": "zstd", "mask.working_mpp": 2.0}
    assert pictures(converted(raw, tmp_path, key_file, overrides=more)) == []
