"""A machine that fails: full and read-only disks, two builds at once, signals. Nothing half, a clear end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.faults.conftest import COMMAND, spora_build
from tests.faults.tiny_cohort import NAME, digests, environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, limits and mounts")


def start(*words: str | Path, **options: object) -> subprocess.Popen[str]:
    """A running process of the command line, in a session of its own."""
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [*COMMAND, *map(str, words)],
        env=environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's & ignores it
        **options,
    )


def wait_until_it_writes(out: Path, process: subprocess.Popen[str]) -> None:
    """Until the images stage has begun."""
    ledger = out / f"{NAME}.private" / "ledger.jsonl"
    end = time.monotonic() + 120
    while not (ledger.exists() and "begun" in ledger.read_text()):
        assert time.monotonic() < end
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)


def unfinished(out: Path) -> list[str]:
    return [str(path) for path in out.rglob("*.building")]


def resumes(raw: Path, out: Path, cohort: Path) -> None:
    """The next run ends as if nothing had happened."""
    done = spora_build("convert", raw, "--out", out, "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert digests(out / NAME) == digests(cohort / "reference" / NAME)


def test_a_disk_that_takes_no_more(cohort: Path, tmp_path: Path) -> None:
    """Files cannot grow beyond 60 kB: the images of IMC fail, one by one."""
    import resource

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    command = [*COMMAND, "convert", str(cohort / "raw"), "--out", str(tmp_path / "out"), "--jobs", "1"]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, preexec_fn=limit, check=False, timeout=300
    )
    assert done.returncode == 5
    assert "E-ENV-012" in done.stderr
    assert "Traceback" not in done.stderr
    assert unfinished(tmp_path) == []
    assert not (tmp_path / "out" / NAME / "metadata" / "tissues.parquet").exists()
    resumes(cohort / "raw", tmp_path / "out", cohort)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 900 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("this user cannot mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_and_a_read_only_one(cohort: Path, small_disk: Path) -> None:
    words = ("convert", cohort / "raw", "--out", small_disk, "--jobs", "1")
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(500_000))
    done = spora_build(*words)
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert unfinished(small_disk) == []
    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    resumes(cohort / "raw", small_disk, cohort)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = spora_build(*words)
    assert done.returncode == 5
    assert "E-ENV-013" in done.stderr or "E-ID-013" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_two_builds_at_once(cohort: Path, tmp_path: Path) -> None:
    words = ("convert", cohort / "raw", "--out", tmp_path, "--jobs", "1")
    first = start(*words)
    wait_until_it_writes(tmp_path, first)
    os.killpg(first.pid, signal.SIGSTOP)
    second = spora_build(*words)
    os.killpg(first.pid, signal.SIGCONT)
    assert second.returncode == 5
    assert "E-ENV-020" in second.stderr
    assert str(first.pid) in second.stderr
    assert first.wait(300) == 0
    assert digests(tmp_path / NAME) == digests(cohort / "reference" / NAME)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_cleanly(cohort: Path, tmp_path: Path, number: signal.Signals) -> None:
    workers = "2" if number == signal.SIGINT else "1"
    process = start("convert", cohort / "raw", "--out", tmp_path, "--jobs", workers)
    wait_until_it_writes(tmp_path, process)
    os.killpg(process.pid, number)
    assert process.stderr is not None
    told = process.stderr.read()
    assert process.wait(60) == 130
    assert "Interrupted." in told
    assert "Traceback" not in told
    assert unfinished(tmp_path) == []
    assert members_of(process.pid) == []
    resumes(cohort / "raw", tmp_path, cohort)


def test_interrupted_twice_it_stops_at_once(cohort: Path, tmp_path: Path) -> None:
    process = start("convert", cohort / "raw", "--out", tmp_path, "--jobs", "2")
    wait_until_it_writes(tmp_path, process)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.02)
    assert process.wait(60) in (130, -signal.SIGINT)  # the latter where the first one had come to its end
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    assert members_of(process.pid) == []
    assert not (tmp_path / NAME / "metadata" / "tissues.parquet").exists()
    resumes(cohort / "raw", tmp_path, cohort)


@pytest.mark.parametrize("taken", [NAME, f"{NAME}.private"])
def test_a_folder_that_is_taken_away_in_the_middle(cohort: Path, tmp_path: Path, taken: str) -> None:
    out = tmp_path / "out"
    process = start("convert", cohort / "raw", "--out", out, "--jobs", "1")
    ledger = out / f"{NAME}.private" / "ledger.jsonl"
    while not (ledger.exists() and '"mask-owner/' in ledger.read_text()):
        assert process.poll() is None
        time.sleep(0.005)
    (out / taken).rename(tmp_path / "elsewhere")
    assert process.wait(120) in (3, 5)
    assert process.stderr is not None
    told = process.stderr.read()
    assert "Traceback" not in told
    assert "E-BUG" not in told
    assert not (out / NAME / "metadata" / "tissues.parquet").exists()
    if taken.endswith(".private"):
        assert "E-ENV-021" in told
    resumes(cohort / "raw", out, cohort)


def members_of(session: int) -> list[int]:
    """Processes of a session that still run; those of a killed parent get a moment to notice."""
    found: list[int] = []
    for _ in range(100):
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[3]) == session and fields[0] != "Z":
                    found.append(int(entry.name))
        if not found:
            break
        time.sleep(0.1)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_workers_do_not_outlive_their_parent(cohort: Path, tmp_path: Path) -> None:
    process = start("convert", cohort / "raw", "--out", tmp_path, "--jobs", "2")
    wait_until_it_writes(tmp_path, process)
    time.sleep(1)
    process.kill()
    process.wait()
    assert members_of(process.pid) == []


def spoil(raw: Path) -> bytes:
    """Break the IMC image of core a where only reading its pixels tells; its former bytes."""
    content = (raw / "a_imc.tif").read_bytes()
    pixels = tifffile.imread(raw / "a_imc.tif")
    pixels[1, 100, 100] = np.nan
    tifffile.imwrite(raw / "a_imc.tif", pixels, photometric="minisblack", metadata=None)
    return content


def test_one_bad_tissue_costs_no_other_and_is_retried_alone(cohort: Path, built: Path) -> None:
    good = spoil(built / "raw")
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1")
    assert done.returncode == 3
    assert "E-READ-020" in done.stdout
    retry = done.stderr.partition("To retry just those:\n")[2].split()
    assert retry[:2] == ["spora-build", "convert"]
    assert retry[-2] == "--only"
    import pandas as pd

    table = pd.read_parquet(built / "out" / NAME / "metadata" / "tissues.parquet")
    assert table["tissue_id"].nunique() == 2
    assert retry[-1] not in set(table["tissue_id"])
    (built / "raw" / "a_imc.tif").write_bytes(good)
    again = spora_build(*retry[1:])
    assert again.returncode == 0, again.stderr
    assert digests(built / "out" / NAME) == digests(cohort / "reference" / NAME)


def test_fail_fast_stops_at_the_first(built: Path) -> None:
    spoil(built / "raw")
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1", "--fail-fast")
    assert done.returncode == 3
    assert "E-READ-020" in done.stderr


def test_what_leaves_the_sheet_stays_until_pruned(built: Path, tmp_path: Path) -> None:
    sheet = built / "raw" / "tissues.csv"
    sheet.write_text("".join(line for line in sheet.read_text().splitlines(keepends=True) if not line.startswith("c_")))
    cells = built / "raw" / "cells.csv"
    kept = [line for line in cells.read_text().splitlines(keepends=True) if not line.startswith("core c")]
    cells.write_text("".join(kept))
    fresh = spora_build("convert", built / "raw", "--out", tmp_path / "fresh", "--jobs", "1")
    assert fresh.returncode == 0, fresh.stderr
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1")
    assert done.returncode == 0
    assert "W-BUILD-001" in done.stderr
    stays = digests(built / "out" / NAME).keys() - digests(tmp_path / "fresh" / NAME).keys()
    assert any(".ome.zarr" in name for name in stays)
    done = spora_build("convert", built / "raw", "--out", built / "out", "--jobs", "1", "--prune")
    assert done.returncode == 0
    assert digests(built / "out" / NAME) == digests(tmp_path / "fresh" / NAME)


def test_repair_shows_and_puts_right(cohort: Path, built: Path) -> None:
    root = built / "out" / NAME
    image = next(root.glob("imc/0_5mpp/images/*.ome.zarr"))
    image.rename(image.with_name(f".{image.name}.0123456789ab.old.building"))
    (root / "segmentations" / "1_0mpp" / "tissue_masks" / ".x.npz.0123456789ab.building").write_bytes(b"half")
    torn = next(root.glob("segmentations/1_0mpp/cell_masks/instances/*.npz"))
    torn.write_bytes(torn.read_bytes()[:50])
    (root / "metadata" / ".DS_Store").write_bytes(b"stray")
    (root / "imc" / "channels.parquet").unlink()
    before = digests(root)
    shown = spora_build("repair", "--dataset", root)
    assert shown.returncode == 1
    assert all(word in shown.stdout for word in ("renamed away", "unfinished", "damaged", "stray", "missing"))
    assert digests(root) == before
    done = spora_build("repair", "--dataset", root, "--yes")
    assert done.returncode == 0, done.stderr
    assert image.exists()
    resumes(built / "raw", built / "out", cohort)
    assert spora_build("repair", "--dataset", root).returncode == 0
