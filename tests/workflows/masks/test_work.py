"""The mask stage on small datasets written for the purpose."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.model.modality import Modality
from spora_build.model.report import Outcome, Status
from spora_build.pixels.mask_settings import MaskSettings
from spora_build.pixels.rescale import Rescaled
from spora_build.store.image_writer import ImageSpec, write_image
from spora_build.store.layout import Layout
from spora_build.store.mask import read_mask, write_mask
from spora_build.store.tables import write_table
from spora_build.workflows.masks.work import MaskJob, mask_one, plan_masks
from tests.pixels.drawn_tissue import blob, brightfield, multiplex, overlap

TISSUE = "smith2023novel_abcdefgh_0000"
HE, CODEX = Modality("he"), Modality("codex")
NATIVE = 0.5
TRUTH = blob(600, 720, reach=0.35)


class Pixels:
    """An array as a source."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        return self.pixels[list(channels)][(slice(None), *window.slices)]


def store(
    root: Path,
    modality: Modality,
    pixels: NDArray[Any],
    mpps: Sequence[float],
    *,
    native: float = NATIVE,
    tissue: str = TISSUE,
    names: Sequence[str] | None = None,
) -> None:
    """Write an image at several pixel sizes, as convert does."""
    size = Size(*pixels.shape[1:])
    names = names or [f"c{at}" for at in range(len(pixels))]
    for mpp in mpps:
        grid = rescaled_size(size, native, mpp)
        spec = ImageSpec(tuple(names), grid, pixels.dtype, mpp, is_rgb=not modality.is_multiplex)
        view = Rescaled(Pixels(pixels), size, mpp / native, grid)
        path = Layout(root).image(modality, mpp, tissue)
        write_image(path, spec, view, channels=range(len(pixels)), block=Size(256, 256))


def run(root: Path, **changes: Any) -> Outcome:
    (job,) = plan_masks(Layout(root), changes.pop("settings", MaskSettings()))
    return mask_one(pickle.loads(pickle.dumps(replace(job, **changes))))


def masks(root: Path) -> dict[float, NDArray[np.bool_]]:
    layout = Layout(root)
    there = [mpp for mpp in layout.find_mask_resolutions() if TISSUE in layout.find_tissue_masks(mpp)]
    return {mpp: read_mask(layout.tissue_mask(mpp, TISSUE)) for mpp in there}


def codes(outcome: Outcome) -> list[str]:
    return [problem.code for problem in outcome.problems]


@pytest.mark.parametrize("modality", [HE, CODEX, Modality("ihc_CD3E")])
def test_a_mask_stands_at_every_mpp_of_the_images(tmp_path: Path, modality: Modality) -> None:
    pixels = multiplex(TRUTH, NATIVE) if modality.is_multiplex else brightfield(TRUTH, NATIVE)
    store(tmp_path, modality, pixels, [NATIVE, 1.0, 0.37])
    outcome = run(tmp_path)
    assert outcome.status is Status.DONE, outcome.problems
    assert "auto" in outcome.detail
    found = masks(tmp_path)
    assert set(found) == {0.37, NATIVE, 1.0}
    for mpp, mask in found.items():
        size = rescaled_size(Size(600, 720), NATIVE, mpp)
        assert mask.shape == (size.height, size.width)
        assert mask.dtype == bool
    assert overlap(found[NATIVE], TRUTH) > 0.93
    assert overlap(found[NATIVE][::2, ::2], found[1.0]) > 0.98


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store(tmp_path / name, CODEX, multiplex(TRUTH, NATIVE), [NATIVE, 1.0])
        run(tmp_path / name)
    for mpp in (NATIVE, 1.0):
        first, second = (Layout(tmp_path / name).tissue_mask(mpp, TISSUE).read_bytes() for name in "ab")
        assert first == second


def test_planning_finds_every_tissue_with_all_its_images(tmp_path: Path) -> None:
    small = multiplex(blob(40, 50), 1.0)
    other = TISSUE.replace("abcdefgh", "bbbbbbbb")
    store(tmp_path, CODEX, small, [1.0, 2.0], native=1.0)
    store(tmp_path, HE, brightfield(blob(40, 50), 1.0), [1.0], native=1.0)
    store(tmp_path, CODEX, small, [1.0], native=1.0, tissue=other)
    jobs = plan_masks(Layout(tmp_path), MaskSettings("full"), {other: Path("x.png")}, {other: "x.png"})
    assert [job.tissue_id for job in jobs] == [TISSUE, other]
    assert jobs[0].images == ((CODEX, 1.0), (CODEX, 2.0), (HE, 1.0))
    assert jobs[0].user_mask is None
    assert jobs[1].user_mask == Path("x.png") and jobs[1].shown_name == "x.png"
    assert all(job.settings.method == "full" for job in jobs)


def test_light_microscopy_decides_for_registered_images(tmp_path: Path) -> None:
    stained = blob(600, 720, reach=0.2)
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE])
    store(tmp_path, CODEX, multiplex(stained, NATIVE), [NATIVE])
    assert run(tmp_path).status is Status.DONE
    assert overlap(masks(tmp_path)[NATIVE], TRUTH) > 0.95


def test_tissue_counts_only_where_every_modality_was_measured(tmp_path: Path) -> None:
    planes = multiplex(TRUTH, NATIVE)
    planes[:, :, 400:] = 0
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE])
    store(tmp_path, CODEX, planes, [NATIVE])
    assert run(tmp_path).status is Status.DONE
    mask = masks(tmp_path)[NATIVE]
    assert not mask[:, 404:].any()
    assert overlap(mask[:, :396], TRUTH[:, :396]) > 0.95


def test_two_multiplex_images_share_a_mask_of_both(tmp_path: Path) -> None:
    left, right = TRUTH.copy(), TRUTH.copy()
    left[:, 420:] = False
    right[:, :300] = False
    store(tmp_path, CODEX, multiplex(left, NATIVE), [NATIVE])
    store(tmp_path, Modality("imc"), multiplex(right, NATIVE, seed=1), [NATIVE])
    assert run(tmp_path).status is Status.DONE
    assert overlap(masks(tmp_path)[NATIVE], TRUTH) > 0.93


def test_images_of_different_native_mpp_share_a_grid(tmp_path: Path) -> None:
    coarse = blob(101, 121, reach=0.35)
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE, 3.0])
    store(tmp_path, CODEX, multiplex(coarse, 3.0)[:, :100, :120], [3.0], native=3.0)
    assert run(tmp_path).status is Status.DONE
    found = masks(tmp_path)
    assert found[NATIVE].shape == (600, 720) and found[3.0].shape == (100, 120)
    assert overlap(found[NATIVE], TRUTH) > 0.95


def test_channels_that_failed_qc_have_no_say(tmp_path: Path) -> None:
    planes = multiplex(TRUTH, NATIVE, empty=0)
    glare = np.where(blob(600, 720, reach=0.1)[:, ::-1], 60_000, 50).astype(np.uint16)
    planes = np.concatenate([planes[:1], np.roll(glare, 250, axis=1)[None]])
    store(tmp_path, CODEX, planes, [1.0], names=["DNA", "glare"])
    layout = Layout(tmp_path)
    for passed in (True, False):
        table = pd.DataFrame({"channel_name": ["DNA", "glare"], "qc_pass": [True, passed]})
        write_table(layout.channels_table(CODEX), pa.Table.from_pandas(table))
        assert run(tmp_path).status is Status.DONE
        good = overlap(masks(tmp_path)[1.0], TRUTH[::2, ::2])
        assert (good > 0.9) is not passed


def test_differing_sizes_are_refused(tmp_path: Path) -> None:
    store(tmp_path, HE, brightfield(blob(100, 100), 1.0), [1.0], native=1.0)
    store(tmp_path, CODEX, multiplex(blob(100, 101), 1.0), [1.0], native=1.0)
    outcome = run(tmp_path)
    assert outcome.status is Status.FAILED
    assert codes(outcome) == ["E-MASK-012"]


@pytest.mark.parametrize("modality", [HE, CODEX])
def test_an_image_without_tissue_fails_with_a_remedy(tmp_path: Path, modality: Modality) -> None:
    blank = np.full((3, 60, 70), 240, np.uint8) if modality == HE else np.zeros((3, 60, 70), np.uint16)
    store(tmp_path, modality, blank, [1.0], native=1.0)
    outcome = run(tmp_path)
    assert outcome.status is Status.FAILED
    assert codes(outcome) == ["E-MASK-010"]
    assert "tissue_mask" in outcome.problems[0].remedy
    assert not masks(tmp_path)


def test_full_takes_everything_even_a_blank_slide(tmp_path: Path) -> None:
    store(tmp_path, HE, np.full((3, 60, 70), 240, np.uint8), [1.0], native=1.0)
    assert run(tmp_path, settings=MaskSettings("full")).status is Status.DONE
    assert masks(tmp_path)[1.0].all()


def test_a_tiny_field_is_all_tissue(tmp_path: Path) -> None:
    counts = np.random.default_rng(0).poisson(3, (5, 15, 20)).astype(np.float32)
    store(tmp_path, Modality("imc"), counts, [1.0], native=1.0)
    assert run(tmp_path).status is Status.DONE
    assert masks(tmp_path)[1.0].all()


def test_very_little_tissue_is_worth_a_look(tmp_path: Path) -> None:
    truth = np.zeros((1500, 1500), bool)
    truth[700:740, 700:740] = True
    store(tmp_path, HE, brightfield(truth, 4.0), [4.0], native=4.0)
    outcome = run(tmp_path)
    assert outcome.status is Status.DONE
    assert codes(outcome) == ["W-MASK-015"]


def user(tmp_path: Path, mask: NDArray[Any], kind: str) -> Path:
    path = tmp_path / f"mine.{kind}"
    if kind == "npz":
        write_mask(path, mask)
    elif kind == "npy":
        np.save(path, mask)
    elif kind == "png":
        from PIL import Image

        Image.fromarray(mask).save(path)
    else:
        import tifffile

        tifffile.imwrite(path, mask)
    return path


@pytest.mark.parametrize("kind", ["npz", "npy", "png", "tif"])
def test_a_persons_mask_wins(tmp_path: Path, kind: str) -> None:
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE, 1.0])
    mine = np.zeros((600, 720), np.uint8)
    mine[13:101, 7:333] = 255
    outcome = run(tmp_path, user_mask=user(tmp_path, mine, kind), shown_name="mine")
    assert outcome.status is Status.DONE, outcome.problems
    assert "given" in outcome.detail
    found = masks(tmp_path)
    np.testing.assert_array_equal(found[NATIVE], mine > 0)
    np.testing.assert_array_equal(found[1.0], (mine > 0)[1::2, 1::2])


@pytest.mark.parametrize("shape", [(300, 360), (150, 180), (75, 90), (1200, 1440)])
def test_a_persons_mask_may_have_another_size_of_the_same_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE, 1.0])
    mine = blob(*shape, reach=0.3, seed=4).astype(np.uint8)
    assert run(tmp_path, user_mask=user(tmp_path, mine, "npy")).status is Status.DONE
    found = masks(tmp_path)
    for mpp, step in ((NATIVE, 1), (1.0, 2)):
        truth = blob(600 // step, 720 // step, reach=0.3, seed=4)
        assert found[mpp].shape == truth.shape
        assert overlap(found[mpp], truth) > 0.96


@pytest.mark.parametrize(
    ("mine", "code"),
    [
        (np.ones((720, 600), np.uint8), "E-MASK-013"),
        (np.ones((600, 700), np.uint8), "E-MASK-013"),
        (np.zeros((600, 720), np.uint8), "E-MASK-010"),
        (np.ones((4, 600, 720), np.uint8), "E-MASK-014"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_refused(tmp_path: Path, mine: NDArray[Any], code: str) -> None:
    store(tmp_path, HE, brightfield(TRUTH, NATIVE), [NATIVE])
    outcome = run(tmp_path, user_mask=user(tmp_path, mine, "npy"), shown_name="mine.npy")
    assert outcome.status is Status.FAILED
    assert codes(outcome) == [code]
    assert str(tmp_path) not in str(outcome.problems[0])
    assert not masks(tmp_path)


def test_a_job_names_no_file_of_the_user_when_shown() -> None:
    job = MaskJob(Path("d"), TISSUE, ((HE, 1.0),), user_mask=Path("Miller_John.png"))
    assert "Miller" not in repr(job)
