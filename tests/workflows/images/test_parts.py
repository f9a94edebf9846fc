"""A tissue by several workers at once: the same bytes as by one, and whole or absent whatever fails."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from spora_build.errors import EnvironmentFaultError
from spora_build.model.geometry import Size
from spora_build.model.report import Outcome, Status
from spora_build.store.image import open_image
from spora_build.store.image_writer import ImageSpec, write_image, write_part
from spora_build.store.windows import Part
from spora_build.workflows.convert import ConvertRequest, prepare, write_images
from spora_build.workflows.images import parts as module
from spora_build.workflows.images.parts import pick_large
from spora_build.workflows.images.write import ImagesJob
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.progress import silent
from tests.store.sources import ArraySource
from tests.workflows.conftest import tree_bytes
from tests.workflows.lab_folder import write_ome

HEIGHT_PX, WIDTH_PX = 2300, 2150
"""Nine shards."""
NAMES = ("DNA", "CD3E", "Blank")


def pattern(channels: int, height: int, width: int) -> np.ndarray:
    """Values that differ from place to place, quickly made; never zero."""
    rows, cols = np.ogrid[:height, :width]
    return np.stack([(rows * (7 + c) + cols * cols) % 251 + 1 for c in range(channels)]).astype(np.uint16)


def write_raw(folder: Path) -> Path:
    """A tissue by CODEX, stored in strips, and H&E, stored in tiles, and a small one."""
    pixels = pattern(3, HEIGHT_PX, WIDTH_PX)
    pixels[:, 1024:2048, :1024] = 0  # a shard without a file
    pixels[2] = 0
    pixels[0, 2200, 2100] = 999  # seen in the last part alone
    write_ome(folder / "big.ome.tif", pixels, NAMES)
    light = np.ascontiguousarray(pattern(3, HEIGHT_PX, WIDTH_PX).transpose(1, 2, 0).astype(np.uint8))
    tifffile.imwrite(folder / "big_he.tif", light, photometric="rgb", tile=(512, 512), metadata=None)
    write_ome(folder / "small.ome.tif", pixels[:, :300, :300], NAMES)
    (folder / "tissues.csv").write_text(
        "image,patient,modality,tissue,mpp\n"
        "small.ome.tif,1,codex,a,0.5\nbig.ome.tif,2,codex,b,0.5\nbig_he.tif,2,he,b,0.5\n"
    )
    (folder / "panel_codex.csv").write_text("channel,marker\n" + "".join(f"{name},{name}\n" for name in NAMES))
    (folder / "spora.toml").write_text('name = "large2026images"\n')
    return folder


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only."""
    return write_raw(tmp_path_factory.mktemp("large"))


def images(raw: Path, out: Path, key_file: Path, **options: Any) -> tuple[Path, list[Outcome]]:
    """Write the images alone."""
    request = ConvertRequest(raw=raw, out=out, key_file=key_file, **options)
    conversion = prepare(request)
    return conversion.layout.root, write_images(conversion, request)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of more than eight megabytes are large, and come in parts of four."""
    monkeypatch.setattr(module, "PART_BYTES", 4 << 20)


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [{}, {"pyramid": True, "mpp": [1.0]}])
def test_parts_make_the_bytes_of_the_whole(
    raw: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: dict[str, object]
) -> None:
    one, _ = images(raw, tmp_path / "one", key_file, workers=1, overrides=overrides)
    monkeypatch.setattr(module, "PART_BYTES", 4 << 20)
    bars: list[tuple[str, int]] = []
    request = ConvertRequest(raw=raw, out=tmp_path / "two", key_file=key_file, workers=2, overrides=overrides)
    conversion = prepare(request)

    def show(label: str, total: int) -> Any:
        bars.append((label, total))
        return silent(label, total)

    outcomes = write_images(conversion, request, show)
    assert {outcome.status for outcome in outcomes} == {Status.DONE}
    assert tree_bytes(conversion.layout.root) == tree_bytes(one)
    pictures = tree_bytes(conversion.layout.private / "coarse")
    assert pictures == tree_bytes(one.with_name(f"{one.name}.private") / "coarse")
    assert len(pictures) == 1  # of the large tissue the H&E alone; the small one is looked at as it is
    assert not list(tmp_path.rglob("*.building"))
    assert ("images", 1) in bars  # the small tissue alone was written by one worker
    assert bars[0] == ("parts of large images", 8)
    assert {o.status for o in write_images(conversion, request)} == {Status.SKIPPED}


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_cannot_be_read_costs_its_tissue_alone(key_file: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    broken = write_raw(tmp_path / "raw")
    pixels = np.ones((3, HEIGHT_PX, WIDTH_PX), np.float32)
    pixels[1, 2000, 2000] = np.nan
    write_ome(broken / "big.ome.tif", pixels, NAMES)
    root, outcomes = images(broken, tmp_path, key_file, workers=2)
    (failed,) = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    assert [problem.code for problem in failed.problems] == ["E-READ-020"]
    assert not list(tmp_path.rglob(f"{failed.tissue_id}.ome.zarr"))
    assert not list(tmp_path.rglob("*.building"))
    assert len(list(root.rglob("*.ome.zarr"))) == 2


@pytest.mark.usefixtures("small_parts")
def test_an_interruption_leaves_the_old_image_and_nothing_else(
    raw: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, _ = images(raw, tmp_path, key_file, workers=1)
    before = tree_bytes(root / "codex" / "0_5mpp")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "put_in_place", interrupt)
    with pytest.raises(KeyboardInterrupt):
        images(raw, tmp_path, key_file, workers=2, existing=Existing.OVERWRITE)
    assert tree_bytes(root / "codex" / "0_5mpp") == before
    assert not list(tmp_path.rglob("*.building"))


class Dying(ArraySource):
    """Kills its process at the last rows."""

    def read(self, channels: Any, window: Any) -> Any:
        """See PixelSource.read."""
        if window.row >= 1024:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(channels, window)


def spec_of(pixels: np.ndarray) -> ImageSpec:
    return ImageSpec(("a", "b"), Size(*pixels.shape[1:]), pixels.dtype, 0.5, is_rgb=False)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_worker_that_dies_in_a_part_leaves_no_shard_of_it(tmp_path: Path) -> None:
    pixels = pattern(2, 2048, 700)
    folder = tmp_path / "i.building"
    folder.mkdir()
    if (child := os.fork()) == 0:
        write_part(folder, spec_of(pixels), Dying(pixels), part=Part(0, 1), channels=[0, 1], block=Size(64, 64))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert list(folder.iterdir()) == []


def test_a_part_written_twice_is_one(tmp_path: Path) -> None:
    """The scheduler may give a part to a second worker while the first is still at it."""
    pixels, folder = pattern(2, 2500, 1500), tmp_path / "i"
    folder.mkdir()
    counts = [
        write_part(folder, spec_of(pixels), ArraySource(pixels), part=Part(n, 4), channels=[0, 1], block=Size(512, 512))
        for n in (2, 0, 1, 3, 1, 2)
    ]
    assert sum(counts[:4]) == len([p for p in folder.rglob("c/*/*/*") if p.is_file()]) == 6
    write_image(tmp_path / "w", spec_of(pixels), ArraySource(pixels), channels=[0, 1], block=Size(512, 512))
    module.finish_image(folder, spec_of(pixels))
    assert tree_bytes(folder) == tree_bytes(tmp_path / "w")
    assert open_image(folder).size == Size(2500, 1500)


def test_what_is_decoded_whole_is_one_part_s_work(tmp_path: Path) -> None:
    pixels, folder = pattern(2, 2500, 1500), tmp_path / "i"
    folder.mkdir()
    sources = [ArraySource(pixels) for _ in range(3)]
    counts = [
        write_part(folder, spec_of(pixels), source, part=Part(n, 3), channels=[0, 1], block=Size(2500, 1500))
        for n, source in enumerate(sources)
    ]
    assert counts == [6, 0, 0]
    assert not sources[1].asked and not sources[2].asked


def test_shards_that_this_machine_does_not_see_fail_the_tissue(
    raw: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 4 << 20)
    monkeypatch.setattr(module, "count_shards", lambda folder: 0)
    request = ConvertRequest(raw=raw, out=tmp_path, key_file=key_file, workers=1)
    conversion = prepare(request)
    conversion.layout.root.mkdir()
    job = ImagesJob(conversion.layout.root, conversion.plan.tissues[0], ((0, 0.5),))
    (result,) = module.write_in_parts([job], workers=1)
    assert [problem.code for problem in result.outcome.problems] == ["E-ENV-015"]
    assert not list(tmp_path.rglob("*.building"))


def test_large_is_what_would_keep_others_waiting(raw: Path, key_file: Path, tmp_path: Path) -> None:
    tissue = prepare(ConvertRequest(raw=raw, out=tmp_path, key_file=key_file)).plan.tissues[0]

    def job(gigabytes: float) -> ImagesJob:
        image = replace(tissue.images[0], size=Size(int(gigabytes * 2**30 / 6 / 1000), 1000))
        return ImagesJob(tmp_path, replace(tissue, images=(image,)), ())

    huge, large, small = job(40), job(3), job(1)
    assert pick_large([huge, large, small], 1) == []
    assert pick_large([huge, large, small], 2) == [huge]  # 44 GB for two: 22 each
    assert pick_large([huge, large, small], 16) == [huge, large]
    assert pick_large([large] * 2000, 16) == []
    assert pick_large([small], 16) == []


def test_a_lost_part_is_a_failed_tissue(raw: Path, key_file: Path, tmp_path: Path) -> None:
    tissue = prepare(ConvertRequest(raw=raw, out=tmp_path, key_file=key_file)).plan.tissues[0]
    target = ImagesJob(tmp_path, tissue, ((0, 0.5),)).targets()[0]
    error = EnvironmentFaultError(())
    assert module._part_lost(module.PartJob(target, tmp_path, Part(0, 1)), error).outcome.status is Status.FAILED


def test_a_torn_or_unseen_piece_of_a_picture_costs_the_picture_alone(tmp_path: Path) -> None:
    pieces = [np.arange(12, dtype=np.uint16).reshape(1, 3, 4) * side for side in (0, 1)]
    paths = [tmp_path / f"{at}.building" for at in range(2)]

    def leave() -> None:
        for path, piece in zip(paths, pieces, strict=True):
            with path.open("wb") as file:
                np.save(file, piece)

    leave()
    whole = module._take_picture(paths)
    assert whole is not None and whole.tolist() == pieces[1].tolist()
    assert not list(tmp_path.iterdir())
    leave()
    paths[1].write_bytes(paths[1].read_bytes()[:-1])
    assert module._take_picture(paths) is None
    leave()
    paths[0].unlink()
    assert module._take_picture(paths) is None
    assert not list(tmp_path.iterdir())
    assert module._take_picture([]) is None
