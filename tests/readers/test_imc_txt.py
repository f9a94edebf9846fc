"""IMC text files against readimc, and against damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from readimc import TXTFile

from spora_build.errors import UnreadableFileError
from spora_build.model.geometry import Size, Window
from spora_build.model.roi import Roi
from spora_build.readers import imc_txt
from tests.readers.imc_files import Acquisition, imc_pixels, write_txt


def whole(roi: Roi) -> np.ndarray:
    return roi.read(range(roi.channel_count), Window(0, 0, roi.size.height, roi.size.width))


def codes(roi: Roi) -> list[str]:
    return [problem.code for problem in roi.problems]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("values_per_piece", [1, 100, 1 << 22])
def test_pixels_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: str, values_per_piece: int) -> None:
    monkeypatch.setattr(imc_txt, "_VALUES_PER_PIECE", values_per_piece)
    made = Acquisition(imc_pixels(), labels=("Cytoker_651((3356))Pr141", "", "a b", "µ"))
    path = write_txt(tmp_path / "a.txt", made, newline=newline)
    assert imc_txt.can_read(path)
    with imc_txt.open_rois(path) as [roi], TXTFile(path) as oracle:
        assert roi.channel_names == ("Cytoker_651((3356))Pr141", "Pr142", "a b", "µ")
        assert roi.channel_tags == tuple(oracle.channel_names)
        assert roi.pixel_size is None
        assert codes(roi) == ["E-MPP-001"]
        assert whole(roi).tobytes() == made.pixels.tobytes()
        np.testing.assert_array_equal(whole(roi), oracle.read_acquisition())
        np.testing.assert_array_equal(roi.read([3, 1], Window(2, 4, 3, 5)), made.pixels[[3, 1], 2:5, 4:9])


def test_another_order_of_pixels(tmp_path: Path) -> None:
    made = Acquisition(imc_pixels(), order=np.random.default_rng(0).permutation(63))
    with imc_txt.open_rois(write_txt(tmp_path / "a.txt", made)) as [roi]:
        np.testing.assert_array_equal(whole(roi), made.pixels)


def test_stopped_acquisition_reads_as_zero_and_says_so(tmp_path: Path) -> None:
    made = Acquisition(imc_pixels(height=5, width=6), order=np.arange(21))
    expected = made.pixels[:, :4].copy()
    expected.reshape(4, -1)[:, 21:] = 0
    with imc_txt.open_rois(write_txt(tmp_path / "a.txt", made)) as [roi]:
        assert roi.size == Size(4, 6)
        assert codes(roi) == ["E-MPP-001", "W-READ-122"]
        np.testing.assert_array_equal(whole(roi), expected)


@pytest.mark.parametrize("cut", [1, 2, 7, 20, 25])
def test_cut_off_in_its_last_line_is_refused(tmp_path: Path, cut: int) -> None:
    """12.34 may have been 12.345."""
    path = write_txt(tmp_path / "a.txt", Acquisition(imc_pixels()))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(UnreadableFileError), imc_txt.open_rois(path):
        pass


def test_windows_1252_header_and_byte_order_mark(tmp_path: Path) -> None:
    path = write_txt(tmp_path / "a.txt", Acquisition(imc_pixels(channels=1), labels=("µm",)))
    content = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + content)
    assert imc_txt.can_read(path)
    with imc_txt.open_rois(path) as [roi]:
        assert roi.channel_names == ("µm",)
    path.write_bytes(content.replace("µ".encode(), b"\xb5"))
    with imc_txt.open_rois(path) as [roi]:
        assert roi.channel_names == ("µm",)


HEADER = "Start_push\tEnd_push\tPushes_duration\tX\tY\tZ\tCD45(Sm152Di)"
HOSTILE = {
    "no channel": HEADER.rpartition("\t")[0] + "\n1\t2\t3\t0\t0\t0\n",
    "no metal": HEADER + "\tCD3\n1\t2\t3\t0\t0\t0\t1\t1\n",
    "no pixel": HEADER + "\n",
    "no line end": HEADER,
    "words": HEADER + "\n1\t2\t3\t0\t0\t0\tmany\n1\t2\t3\t1\t0\t0\t1\n",
    "negative": HEADER + "\n1\t2\t3\t-1\t0\t0\t1\n1\t2\t3\t5\t0\t0\t1\n",
    "fraction": HEADER + "\n1\t2\t3\t0.5\t0\t0\t1\n1\t2\t3\t7\t0\t0\t1\n",
    "infinite": HEADER + "\n1\t2\t3\tinf\t0\t0\t1\n1\t2\t3\t7\t0\t0\t1\n",
    "nothing": HEADER + "\n1\t2\t3\t\t\t0\t1\n1\t2\t3\t7\t0\t0\t1\n",
    "sparse": HEADER + "\n1\t2\t3\t0\t0\t0\t1\n1\t2\t3\t60000\t60000\t0\t1\n",
    "short line": HEADER + "\n1\t2\n1\t2\t3\t0\t0\t0\t1\n",
    "long line": HEADER + "\n1\t2\t3\t0\t0\t0\t1\t9\t9\n1\t2\t3\t7\t0\t0\t1\n",
    "other columns": HEADER.replace("Z", "W") + "\n1\t2\t3\t0\t0\t0\t1\n",
    "zero bytes": HEADER + "\n" + "\0" * 4000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_one_typed_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(HOSTILE[name], newline="")
    with pytest.raises(UnreadableFileError), imc_txt.open_rois(path) as [roi]:
        whole(roi)


def test_coordinates_that_contradict_the_last_line(tmp_path: Path) -> None:
    rows = ["1\t2\t3\t0\t0\t0\t1", "1\t2\t3\t9\t0\t0\t1", "1\t2\t3\t0\t1\t0\t1", "1\t2\t3\t1\t1\t0\t1"]
    path = tmp_path / "a.txt"
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    with imc_txt.open_rois(path) as [roi], pytest.raises(UnreadableFileError):
        whole(roi)


def test_other_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("image\tpatient\n")
    assert not imc_txt.can_read(tmp_path / "a.txt")
    assert not imc_txt.can_read(tmp_path)
    assert not imc_txt.can_read(tmp_path / "absent.txt")


@pytest.mark.realdata
def test_real_files_equal_readimc_bit_for_bit(sample_data: Path) -> None:
    paths = sorted((sample_data / "imc-bodenmiller" / "raw").rglob("*.txt"))
    assert len(paths) == 6
    for path in paths:
        with imc_txt.open_rois(path) as [roi], TXTFile(path) as oracle:
            assert whole(roi).tobytes() == np.ascontiguousarray(oracle.read_acquisition()).tobytes()
            assert roi.channel_names == tuple(oracle.channel_labels)
