"""libCZI in a process of its own: what becomes of a file when that process dies, hangs, talks or cannot start."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from spora_build.errors import EnvironmentFaultError, UnreadableFileError
from spora_build.model.geometry import Window
from spora_build.model.roi import Roi
from spora_build.readers import _czi_child, czi
from spora_build.workflows.running.jobs import run_jobs
from tests.readers.czi_files import write_czi
from tests.readers.sample_makers import some_pixels

PIXELS = some_pixels((2, 60, 200), "uint16")
"""Two tiles side by side."""
ALL = Window(0, 0, 60, 200)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file with a name that nobody should see."""
    return write_czi(tmp_path / "Jane Doe.czi", [((0, 0), PIXELS)], names=("DAPI", "CD3"))


def in_the_child(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Run code at the start of children."""
    (folder / "start").mkdir()
    (folder / "start" / "sitecustomize.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder / "start"))


def child_of(roi: Roi) -> subprocess.Popen[bytes]:
    process = cast("czi.CziPixels", roi.source).child._process
    assert process is not None
    return process


def test_a_tile_that_crashes_the_library_is_a_typed_error_and_the_others_are_read(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(path.read_bytes())
    at = content.index(b"ZISRAWSUBBLOCK") + 76
    assert struct.unpack_from("<i", content, at) == (7,)
    content[at : at + 4] = b"\x07\x00\x00\xae"  # dimensions: most often a segmentation fault, else an exception
    path.write_bytes(content)
    with czi.open_rois(path) as [roi]:
        for _ in range(4):
            with pytest.raises(UnreadableFileError, match="a part of it is damaged"):
                roi.read([0], ALL)
            np.testing.assert_array_equal(roi.read([1, 0], Window(3, 100, 50, 99)), PIXELS[::-1, 3:53, 100:199])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "end",
    ["os.kill(os.getpid(), 9)", "re.match('(a+)+$', 'a' * 60 + 'b')", "time.sleep(1000)"],
    ids=["killed", "busy for ever, with the lock of the interpreter", "asleep"],
)
def test_a_child_lost_in_the_middle_of_a_read(
    path: Path, end: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = f"import os, re, time\nfrom pylibCZIrw import czi\nczi.CziReader.read = lambda *_, **__: {end}\n"
    in_the_child(monkeypatch, path.parent, code)
    monkeypatch.setattr(_czi_child, "LIMIT_S", 1.0)
    with czi.open_rois(path) as [roi]:
        process = child_of(roi)
        with pytest.raises(UnreadableFileError, match="a part of it is damaged"):
            roi.read([0], ALL)
        assert process.returncode
    assert capfd.readouterr() == ("", "")


def test_a_child_lost_between_two_reads(path: Path) -> None:
    with czi.open_rois(path) as [roi]:
        roi.read([0], ALL)
        child_of(roi).kill()
        with pytest.raises(UnreadableFileError, match="a part of it is damaged"):
            roi.read([0], ALL)
        np.testing.assert_array_equal(roi.read([0, 1], ALL), PIXELS)


def test_a_crash_at_the_header(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os\nfrom pylibCZIrw import czi\nczi.CziReader.__init__ = lambda *_, **__: os.kill(os.getpid(), 9)\n"
    in_the_child(monkeypatch, path.parent, code)
    with pytest.raises(UnreadableFileError, match="it is damaged"), czi.open_rois(path):
        pass


def test_what_the_library_prints_is_no_answer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os\nfrom pylibCZIrw import czi\nread = czi.CziReader.read\n"
        "czi.CziReader.read = lambda *a, **k: (os.write(1, b'x' * 99), os.write(2, b'y'), read(*a, **k))[2]\n"
    )
    in_the_child(monkeypatch, path.parent, code)
    with czi.open_rois(path) as [roi]:
        np.testing.assert_array_equal(roi.read([0, 1], ALL), PIXELS)


def test_the_child_ends_with_the_file_and_shows_no_name(path: Path) -> None:
    with czi.open_rois(path) as [roi]:
        process = child_of(roi)
        assert process.poll() is None
        assert "Jane" not in " ".join(map(str, cast("list[Any]", process.args)))
    assert process.returncode is not None
    with pytest.raises(UnreadableFileError, match="E-READ-171"):
        roi.read([0], ALL)


def test_modules_in_the_current_folder_are_not_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path.parent / "pickle.py").write_text("raise SystemExit")
    monkeypatch.setattr(sys, "path", [str(Path(place).absolute()) for place in sys.path])
    monkeypatch.chdir(path.parent)
    with czi.open_rois(Path(path.name)) as [roi]:
        np.testing.assert_array_equal(roi.read([0, 1], ALL), PIXELS)


def test_a_machine_that_starts_no_more_processes_is_no_damage(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", os.devnull)
    with pytest.raises(EnvironmentFaultError, match="E-ENV-024"), czi.open_rois(path):
        pass


def read_all(path: Path) -> NDArray[Any]:
    with czi.open_rois(path) as [roi]:
        return roi.read([0, 1], ALL)


def never(job: Path, error: EnvironmentFaultError) -> NoReturn:
    raise error


def test_workers_have_children_too(path: Path) -> None:
    for pixels in run_jobs(read_all, [path, path], workers=2, on_killed=never):
        np.testing.assert_array_equal(pixels, PIXELS)
