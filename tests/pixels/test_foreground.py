"""Tissue masks against drawn tissue, and on real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from spora_build.model.geometry import Size, Window, rescaled_size
from spora_build.pixels.clean_mask import clean_mask, close_gaps
from spora_build.pixels.foreground import Foreground, agree, find_brightfield, find_multiplex, working_mpp
from spora_build.pixels.mask_settings import METHODS, MaskSettings
from spora_build.pixels.padding import at_border
from spora_build.pixels.rescale import Rescaled
from tests.pixels.drawn_tissue import HEMATOXYLIN_DAB, blob, brightfield, cells, multiplex, overlap

AUTO = MaskSettings()
MPP = 4.0


class Pixels:
    """An array as a source."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        self.pixels = pixels

    def read(self, channels: Sequence[int], window: Window) -> NDArray[Any]:
        return self.pixels[list(channels)][(slice(None), *window.slices)]


def at_work(pixels: NDArray[Any], mpp: float) -> tuple[NDArray[Any], float]:
    """(C, H, W) pixels at the working mpp, and that."""
    size = Size(*pixels.shape[1:])
    work = working_mpp({mpp: size}, len(pixels))
    grid = rescaled_size(size, mpp, work)
    view = Rescaled(Pixels(pixels), size, work / mpp, grid)
    return view.read(range(len(pixels)), Window(0, 0, grid.height, grid.width)), work


# ---------------------------------------------------------------- light microscopy


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "picture",
    [
        {},
        {"glass": (236, 225, 240)},
        {"glass": (214, 214, 205)},
        {"strength": (0.5, 0.06)},
        {"stains": HEMATOXYLIN_DAB, "strength": (0.4, 0.5)},
        {"stains": HEMATOXYLIN_DAB, "strength": (0.4, 0.0)},
    ],
    ids=["he", "lilac glass", "dim lamp", "faint eosin", "ihc", "ihc without the marker"],
)
def test_brightfield_tissue_is_found(picture: dict[str, Any], seed: int) -> None:
    truth = blob(300, 360, seed=seed)
    found = find_brightfield(brightfield(truth, MPP, seed=seed, **picture), MPP, AUTO)
    assert overlap(found.tissue, truth) > 0.95
    assert not found.outside.any()


def test_dust_and_pen_are_no_tissue_and_fragments_are() -> None:
    truth = blob(300, 360, reach=0.25)
    fragment = np.hypot(*(np.mgrid[0:300, 0:360] - np.array([40, 320])[:, None, None])) < 25
    rgb = brightfield(truth | fragment, MPP)
    random = np.random.default_rng(3)
    dust = np.zeros(truth.shape, bool)
    for row, col in random.integers(5, 295, (30, 2)):
        dust[row : row + 4, col : col + 4] = True
    dust &= ~ndimage.binary_dilation(truth | fragment, iterations=12)
    assert dust.sum() > 100
    rgb[:, dust] = 60
    pen = np.zeros(truth.shape, bool)
    pen[270:285, 20:340] = True
    rgb[:, pen] = np.array([40, 160, 70], np.uint8)[:, None]
    found = find_brightfield(rgb, MPP, AUTO).tissue
    assert overlap(found, truth | fragment) > 0.94
    assert not found[dust].any() and not found[pen].any()


@pytest.mark.parametrize("fill", [0, 12, 255])
def test_the_scanners_surround_is_no_tissue(fill: int) -> None:
    truth = blob(300, 360, reach=0.3)
    rgb = brightfield(truth, MPP, glass=(236, 225, 240))
    rgb[:, :, :40] = fill
    rgb[:, 270:] = fill
    found = find_brightfield(rgb, MPP, AUTO)
    assert overlap(found.tissue, truth) > 0.95
    assert found.outside[:, :38].all() == (fill < 255)


def test_dark_tissue_is_not_taken_for_the_surround() -> None:
    truth = blob(300, 360)
    rgb = brightfield(truth, MPP)
    hole = blob(300, 360, reach=0.08)
    rgb[:, hole] = 20  # melanin, a fold
    assert overlap(find_brightfield(rgb, MPP, AUTO).tissue, truth) > 0.95


def test_a_field_without_glass_is_all_tissue() -> None:
    full = np.ones((256, 256), bool)
    assert find_brightfield(brightfield(full, 1.0), 1.0, AUTO).tissue.all()
    brown = brightfield(full, 1.0, stains=HEMATOXYLIN_DAB, strength=(0.6, 0.8))
    assert find_brightfield(brown, 1.0, AUTO).tissue.all()


def test_glass_alone_has_no_tissue() -> None:
    assert not find_brightfield(brightfield(np.zeros((200, 200), bool), MPP), MPP, AUTO).tissue.any()
    for value in (0, 255):
        assert not find_brightfield(np.full((3, 50, 60), value, np.uint8), MPP, AUTO).tissue.any()


# ---------------------------------------------------------------- multiplex


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "drawn",
    [{}, {"empty": 12}, {"offset": 2000, "autofluorescence": 300}, {"offset": 0, "autofluorescence": 2}],
    ids=["fluorescence", "mostly empty channels", "high offset", "counts"],
)
def test_multiplex_tissue_is_found(drawn: dict[str, Any], seed: int) -> None:
    truth = blob(320, 280, seed=seed)
    planes = multiplex(truth, MPP / 2, seed=seed, **drawn)
    found = find_multiplex(list(planes), MPP / 2, AUTO)
    assert overlap(found.tissue, truth) > 0.93
    assert drawn.get("offset") == 0 or not found.outside.any()  # a background of zeros may count as not measured


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int16])
def test_the_type_of_the_pixels_does_not_matter(dtype: type) -> None:
    truth = blob(200, 200)
    planes = (multiplex(truth, 2.0, offset=20) / 8).astype(dtype)
    assert overlap(find_multiplex(list(planes), 2.0, AUTO).tissue, truth) > 0.93


def test_hot_pixels_and_uneven_light_change_little() -> None:
    truth = blob(320, 280)
    planes = multiplex(truth, 2.0).astype(np.float32)
    rows, cols = np.mgrid[0:320, 0:280]
    planes *= 1.3 - 0.6 * np.hypot(rows - 160, cols - 140) / 212  # the corners get half the light of the middle
    hot = np.random.default_rng(5).random(planes.shape) < 2e-4
    planes[hot] = 65535
    assert overlap(find_multiplex(list(planes), 2.0, AUTO).tissue, truth) > 0.92


def test_one_channel_is_enough() -> None:
    truth = blob(256, 256)
    assert overlap(find_multiplex([multiplex(truth, 2.0)[0]], 2.0, AUTO).tissue, truth) > 0.92


@pytest.mark.parametrize("shape", [(256, 256), (60, 50), (15, 20)])
def test_a_field_full_of_cells_is_all_tissue(shape: tuple[int, int]) -> None:
    planes = multiplex(np.ones(shape, bool), 1.0, offset=0, autofluorescence=4)
    assert find_multiplex(list(planes), 1.0, AUTO).tissue.all()


def test_a_full_field_of_two_kinds_of_tissue_is_not_split() -> None:
    tissue = np.ones((256, 256), bool)
    planes = multiplex(tissue, 1.0, offset=0, autofluorescence=250, empty=0).astype(np.float32)
    planes[:, :, :128] *= 1.6
    planes += 100
    assert find_multiplex(list(planes), 1.0, AUTO).tissue.all()


@pytest.mark.parametrize("shape", [(15, 20), (200, 300)])
def test_noise_alone_is_not_split(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).poisson(50, (6, *shape)).astype(np.uint16)
    assert find_multiplex(list(noise), 1.0, AUTO).tissue.all()


def test_empty_channels_have_no_tissue() -> None:
    for value in (0, 7):
        assert not find_multiplex(list(np.full((3, 40, 30), value, np.uint16)), 1.0, AUTO).tissue.any()


def test_filled_borders_are_left_out_and_do_not_move_the_outline() -> None:
    truth = blob(320, 280)
    planes = multiplex(truth, 2.0)
    plain = find_multiplex(list(planes), 2.0, AUTO)
    planes[:, :60] = 0
    planes[:, :, 200:] = 0
    found = find_multiplex(list(planes), 2.0, AUTO)
    assert found.outside[:60].all() and found.outside[:, 200:].all()
    assert found.outside[64:, :196].sum() == 0
    inside = np.zeros(truth.shape, bool)
    inside[64:, :196] = True
    assert overlap(found.tissue, truth & inside) > 0.92
    assert overlap(found.tissue & inside, plain.tissue & inside) > 0.97


def test_a_full_field_with_a_filled_border_is_all_tissue_beside_it() -> None:
    planes = multiplex(np.ones((200, 200), bool), 1.0, autofluorescence=200)
    planes[:, :, 150:] = 0
    found = find_multiplex(list(planes), 1.0, AUTO)
    np.testing.assert_array_equal(found.tissue, ~found.outside)
    assert found.tissue[:, :147].all()


def test_not_a_number_is_like_nothing() -> None:
    truth = blob(200, 200)
    planes = multiplex(truth, 2.0, offset=0).astype(np.float32)
    planes[0, 50:60, 50:60] = np.nan
    planes[1, 3, 3] = np.inf
    assert overlap(find_multiplex(list(planes), 2.0, AUTO).tissue, truth) > 0.93


# ---------------------------------------------------------------- settings, cleaning, agreement


def test_methods_and_thresholds_are_obeyed() -> None:
    truth = blob(200, 200)
    rgb, planes = brightfield(truth, MPP), list(multiplex(truth, 2.0))
    assert find_brightfield(rgb, MPP, MaskSettings("full")).tissue.all()
    assert find_multiplex(planes, 2.0, MaskSettings("full")).tissue.all()
    for method in {*METHODS} - {"auto", "full"}:
        assert overlap(find_brightfield(rgb, MPP, MaskSettings(method)).tissue, truth) > 0.85
        assert overlap(find_multiplex(planes, 2.0, MaskSettings(method)).tissue, truth) > 0.7
    areas = [find_multiplex(planes, 2.0, MaskSettings(threshold=t)).tissue.sum() for t in (0.1, 0.4, 0.8)]
    assert areas[0] > areas[1] > areas[2]
    areas = [find_brightfield(rgb, MPP, MaskSettings(threshold=t)).tissue.sum() for t in (0.01, 0.1, 0.9)]
    assert areas[0] > areas[1] > areas[2]


def test_sizes_are_in_micrometres() -> None:
    def field(mpp: float) -> NDArray[np.bool_]:
        tissue = np.zeros((round(1600 / mpp), round(1600 / mpp)), bool)

        def square(row_um: float, col_um: float, side_um: float, value: bool) -> None:
            cut = [slice(round(at / mpp), round((at + side_um) / mpp)) for at in (row_um, col_um)]
            tissue[cut[0], cut[1]] = value

        square(200, 200, 800, True)
        square(300, 300, 80, False)  # a hole to fill
        square(500, 500, 160, False)  # a hole to keep
        square(1200, 200, 60, True)  # dust
        square(1200, 500, 100, True)  # a fragment
        return tissue

    settings = MaskSettings(closing_um=8)
    for mpp in (2.0, 4.0):
        tissue = field(mpp)
        kept = clean_mask(tissue, np.zeros_like(tissue), mpp, settings)
        at = {name: (round(r / mpp), round(c / mpp)) for name, r, c in SPOTS}
        assert kept[at["filled"]] and not kept[at["kept hole"]]
        assert not kept[at["dust"]] and kept[at["fragment"]]


SPOTS = [("filled", 340, 340), ("kept hole", 580, 580), ("dust", 1230, 230), ("fragment", 1250, 550)]


def test_closing_joins_what_is_near_and_is_blind_to_the_border() -> None:
    mask = np.zeros((60, 80), bool)
    mask[10:50, 10:30] = mask[10:50, 36:60] = True
    closed = close_gaps(mask, 4)
    assert closed[20:40, 10:60].all()
    assert not close_gaps(mask, 2)[30, 32]
    np.testing.assert_array_equal(closed | mask, closed)
    strip = np.ones((60, 80), bool)
    strip[:, 76:] = False  # a strip of background along the border, narrower than the disc
    np.testing.assert_array_equal(close_gaps(strip, 9), strip)
    full, none = np.ones((9, 9), bool), np.zeros((9, 9), bool)
    assert close_gaps(full, 50).all() and not close_gaps(none, 50).any()
    assert close_gaps(mask, 500).shape == mask.shape


def test_closing_equals_the_morphology_it_stands_for() -> None:
    from skimage.morphology import closing, disk

    mask = ndimage.gaussian_filter(np.random.default_rng(8).random((90, 90)), 2) > 0.52
    padded: Any = np.pad(mask, 40, mode="edge")
    morphology: Any = closing
    expected = morphology(padded, disk(6))[40:-40, 40:-40]
    np.testing.assert_array_equal(close_gaps(mask, 6), expected)


@pytest.mark.parametrize("radius", [1, 1.5, 2.9, 5**0.5, 7.3, 30])
def test_closing_is_by_euclidean_distance(radius: float) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(8).random((90, 70)), 2) > 0.52
    wide = np.pad(mask, 40, mode="edge")
    near = ndimage.distance_transform_edt(~wide) <= radius
    far = near if near.all() else ndimage.distance_transform_edt(near) > radius
    np.testing.assert_array_equal(close_gaps(mask, radius), far[40:-40, 40:-40] | mask)


def test_only_broad_pieces_at_the_border_are_filling() -> None:
    filled = np.zeros((100, 100), bool)
    filled[40:60, 40:60] = True
    filled[:, 0] = True
    assert not at_border(filled, 1.0)[:, 1:].any()
    filled[:, :30] = True
    found = at_border(filled, 1.0)
    assert found[:, :30].all() and not found[:, 33:].any()


def test_registered_images_agree_on_one_mask() -> None:
    no = np.zeros((2, 3), bool)
    first = Foreground(np.array([[1, 1, 0], [0, 0, 0]], bool), no, 4.0)
    second = Foreground(np.array([[0, 1, 1], [0, 0, 0]], bool), np.array([[1, 0, 0], [0, 0, 0]], bool), 4.0)
    both = agree([first, second], [np.array([[0, 0, 1], [0, 0, 0]], bool)])
    assert both.tissue.tolist() == [[False, True, False], [False] * 3]
    nowhere = agree([first], [~no])
    np.testing.assert_array_equal(nowhere.tissue, first.tissue)


@pytest.mark.parametrize(
    ("size", "mpp", "channels", "expected"),
    [
        (Size(10_000, 10_000), 0.5, 3, 4.0),
        (Size(20_000, 20_000), 0.5, 3, 8.0),
        (Size(1000, 1000), 1.0, 40, 4.0),
        (Size(300, 600), 1.0, 40, 2.0),
        (Size(2000, 2000), 0.65, 40, 2.6),
        (Size(60, 60), 1.0, 5, 1.0),
        (Size(15, 20), 1.0, 5, 1.0),
        (Size(60_000, 60_000), 0.25, 58, 32.0),
        (Size(400_000, 400_000), 0.25, 3, 128.0),
    ],
)
def test_the_working_pixel_size(size: Size, mpp: float, channels: int, expected: float) -> None:
    work = working_mpp({mpp: size}, channels)
    assert work == pytest.approx(expected)
    grid = rescaled_size(size, mpp, work)
    assert grid.height * grid.width * channels <= 1.01 * 2**24
    assert working_mpp({mpp: size}, channels, 90.0) == max(90.0, mpp)


# ---------------------------------------------------------------- real pictures


def test_an_ihc_field_is_tissue_with_its_pale_stroma() -> None:
    import skimage.data

    rgb = np.ascontiguousarray(np.moveaxis(skimage.data.immunohistochemistry(), -1, 0))
    pixels, mpp = at_work(rgb, 0.5)
    assert find_brightfield(pixels, mpp, AUTO).tissue.mean() > 0.97


@pytest.mark.realdata
def test_a_core_on_lilac_glass(sample_data: Path) -> None:
    import tifffile

    rgb = np.moveaxis(tifffile.imread(sample_data / "ome-instanseg" / "HE_example.tif"), -1, 0)
    pixels, mpp = at_work(np.ascontiguousarray(rgb), 0.5)
    tissue = find_brightfield(pixels, mpp, AUTO).tissue
    height, width = tissue.shape
    rows, cols = np.mgrid[0:height, 0:width]
    round_core = np.hypot((rows - 0.5 * height) / (0.49 * height), (cols - 0.5 * width) / (0.495 * width)) < 1
    assert overlap(tissue, round_core) > 0.93  # the core is a circle that nearly touches the border
    assert not tissue[:15, :15].any() and not tissue[-15:, -15:].any()


@pytest.mark.realdata
def test_a_skin_slide(sample_data: Path) -> None:
    import tifffile

    with tifffile.TiffFile(sample_data / "svs-cmu" / "cmu-1-small-region.svs") as file:
        rgb = np.moveaxis(file.pages[0].asarray(), -1, 0)
    pixels, mpp = at_work(np.ascontiguousarray(rgb), 0.499)
    tissue = find_brightfield(pixels, mpp, AUTO).tissue
    height, width = tissue.shape
    assert 0.35 < tissue.mean() < 0.48
    assert tissue[int(0.8 * height), int(0.5 * width)]  # dermis
    assert not tissue[:, : int(0.02 * width)].any()  # glass and a speck of dust on the left
    assert tissue[int(0.36 * height), int(0.2 * width)]  # the thin strand
    assert not tissue[int(0.15 * height) : int(0.3 * height), int(0.92 * width) :].any()  # dust on the right


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "mpp"),
    [
        ("codex-crop/input.tiff", 0.5),
        ("mif-csm/ABCM22001_B09_MiniCrop.tif", 0.5),
        ("mif-csm/ABCM22001_B14_MiniCrop.tif", 0.5),
    ],
)
def test_real_fields_full_of_tissue(sample_data: Path, file: str, mpp: float) -> None:
    import tifffile

    pixels, work = at_work(tifffile.imread(sample_data / file), mpp)
    assert find_multiplex(list(pixels), work, AUTO).tissue.mean() > 0.995


@pytest.mark.realdata
def test_a_real_imc_field_with_background(sample_data: Path) -> None:
    import tifffile

    folder = sample_data / "imc-bodenmiller" / "steinbock" / "img"
    pixels, mpp = at_work(tifffile.imread(folder / "20210305_NE_mockData2_001.tiff"), 1.0)
    tissue = find_multiplex(list(pixels), mpp, AUTO).tissue
    assert 0.4 < tissue.mean() < 0.65
    counts = pixels.sum(axis=0)
    assert counts[tissue].mean() > 15 * counts[~tissue].mean()
    assert ndimage.label(tissue)[1] == 1


def test_cells_of_the_drawings_do_not_fill_the_tissue() -> None:
    tissue = blob(200, 200)
    assert 0.1 < cells(tissue, 1.0, np.random.default_rng(0))[tissue].mean() < 0.5
