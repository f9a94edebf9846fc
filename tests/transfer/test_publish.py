"""A dataset into a real bucket: gated, complete, resumed after a kill, verified; the second time only what changed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from spora_build.errors import EnvironmentFaultError, InvalidDataError, PrivacyError, UsageError
from spora_build.store.layout import Layout
from spora_build.transfer import listing
from spora_build.transfer.remote import open_remote
from spora_build.workflows.bucket import publish as module
from spora_build.workflows.bucket.publish import Publication, check_fit, find_wrong, plan_publication, publish
from spora_build.workflows.checking.in_bucket import open_remote_dataset, open_remote_headers, validate_remote
from spora_build.workflows.checking.validate import validate
from spora_build.workflows.drafting.inspect import inspect
from spora_build.workflows.reporting.report import look_at_dataset
from tests.checks.build_dataset import IMC_ONLY, NAME
from tests.transfer.s3_server import BUCKET, PASSWORD, Served, replace_object

ENTRY = (sys.executable, "-c", "import sys; sys.argv[0] = 'spora-build'; from spora_build.cli.app import main; main()")
SUMS = "metadata/checksums.sha256"


def bytes_of(layout: Layout) -> dict[str, bytes]:
    """What should lie in the bucket."""
    files = {p.relative_to(layout.root).as_posix(): p.read_bytes() for p in layout.root.rglob("*") if p.is_file()}
    return {f"{NAME}/{path}": content for path, content in files.items()}


def plan(layout: Layout) -> Publication:
    return plan_publication(layout, open_remote(f"s3://{BUCKET}"))


def test_a_published_dataset_lies_in_the_bucket_byte_for_byte(program: Path, served: Served, dataset: Layout) -> None:
    check_fit(dataset)
    publish(plan(dataset), every_byte=True)
    assert served.files() == bytes_of(dataset)
    sums = [line.split("  ") for line in dataset.checksums.read_text().splitlines()]
    assert {path for _, path in sums} == {p.removeprefix(f"{NAME}/") for p in served.files()} - {SUMS}
    assert all(hashlib.sha256((dataset.root / path).read_bytes()).hexdigest() == sha256 for sha256, path in sums)
    check_fit(dataset)  # the checksum file breaks no rule and identifies nobody


def test_the_private_folder_may_lie_elsewhere(program: Path, served: Served, dataset: Layout, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / dataset.private.name
    elsewhere.parent.mkdir()
    shutil.move(dataset.private, elsewhere)
    check_fit(dataset, private=elsewhere)
    publish(plan(dataset), every_byte=True)
    assert served.files() == bytes_of(dataset)
    assert not dataset.private.exists()


def test_a_second_time_only_what_changed_travels(program: Path, served: Served, dataset: Layout) -> None:
    publish(plan(dataset))
    before = {path: (served.folder / path).stat().st_mtime_ns for path in served.files()}
    again = plan(dataset)
    assert (again.difference.due, again.bytes_due) == ((), 0)
    publish(again)
    assert {path: (served.folder / path).stat().st_mtime_ns for path in served.files()} == before
    tissues = pd.read_parquet(dataset.tissues_table).assign(grade="3")
    tissues.to_parquet(dataset.tissues_table, index=False)
    changed = plan(dataset)
    assert changed.difference.due == ("metadata/tissues.parquet",)
    publish(changed)
    assert served.files() == bytes_of(dataset)


def test_what_is_gone_here_is_deleted_only_when_asked(program: Path, served: Served, dataset: Layout) -> None:
    publish(plan(dataset))
    gone = dataset.tissue_mask(1.0, IMC_ONLY)
    gone.unlink()
    path = f"{NAME}/{gone.relative_to(dataset.root).as_posix()}"
    publication = plan(dataset)
    assert publication.difference.removed == (path.removeprefix(f"{NAME}/"),)
    publish(publication)
    assert path in served.files()
    publish(plan(dataset), delete_removed=True)
    assert served.files() == bytes_of(dataset)


def test_nothing_temporary_or_hidden_travels(program: Path, served: Served, dataset: Layout) -> None:
    (dataset.root / "imc" / ".x.npz.0123.building").write_bytes(b"half")
    (dataset.root / "imc" / "1_0mpp" / ".a.building").mkdir()
    (dataset.root / "imc" / "1_0mpp" / ".a.building" / "zarr.json").write_text("{}")
    (dataset.root / ".DS_Store").write_bytes(b"thumbnails")
    publish(plan(dataset))
    assert not [path for path in served.files() if "building" in path or ".DS_Store" in path]


def test_a_link_is_refused(program: Path, served: Served, dataset: Layout, tmp_path: Path) -> None:
    (dataset.root / "metadata" / "notes.txt").symlink_to(tmp_path)
    with pytest.raises(InvalidDataError, match=r"E-PUB-003 metadata/notes\.txt"):
        plan(dataset)


def test_a_broken_dataset_is_refused(dataset: Layout) -> None:
    dataset.tissue_mask(1.0, IMC_ONLY).unlink()
    with pytest.raises(InvalidDataError, match=r"E-PUB-001 .*V501"):
        check_fit(dataset)


def test_an_identifier_is_refused(dataset: Layout) -> None:
    tissues = pd.read_parquet(dataset.tissues_table)
    tissues.assign(note="seen with Anna 7").to_parquet(dataset.tissues_table, index=False)
    with pytest.raises(PrivacyError) as caught:
        check_fit(dataset)
    assert "Anna 7" not in str(caught.value)


def test_without_a_crosswalk_nothing_is_proved(dataset: Layout) -> None:
    (dataset.private / "crosswalk.csv").unlink()
    with pytest.raises(UsageError, match="E-PRIV-023"):
        check_fit(dataset)


def test_a_corrupt_object_is_found_and_healed(program: Path, served: Served, dataset: Layout) -> None:
    publish(plan(dataset))
    shard = next(path for path in sorted(served.files()) if re.search(r"/c/0/0/0$", path))
    damaged = bytearray((served.folder / shard).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    replace_object(served, shard, bytes(damaged))
    publication = plan(dataset)
    path = shard.removeprefix(f"{NAME}/")
    assert find_wrong(publication.remote, publication.digests) == [path]
    assert publication.difference.changed == (path,)
    publish(publication)
    assert served.files() == bytes_of(dataset)


def test_bytes_are_read_where_the_store_is_not_believed(
    program: Path, served: Served, dataset: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store may go on telling the MD5 it once had, or tell none."""
    publish(plan(dataset))
    publication = plan(dataset)
    told = listing.list_files(publication.remote)
    replace_object(served, f"{NAME}/imc/channels.parquet", b"x" * told["imc/channels.parquet"].size)
    monkeypatch.setattr(module, "list_files", lambda remote: told)
    assert find_wrong(publication.remote, publication.digests) == []
    assert find_wrong(publication.remote, publication.digests, every_byte=True) == ["imc/channels.parquet"]
    untold = {path: listing.RemoteFile(file.size, None) for path, file in told.items()}
    monkeypatch.setattr(module, "list_files", lambda remote: untold)
    assert find_wrong(publication.remote, publication.digests) == ["imc/channels.parquet"]


def test_a_publish_that_does_not_arrive_leaves_no_checksum_file(
    program: Path, served: Served, dataset: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(folder: Path, remote: object, paths: object, on_bytes: object = None) -> None:
        wanted = [path for path in paths if "cells.parquet" not in path]  # type: ignore[attr-defined]
        listing.send(folder, remote, wanted)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "send", lose)
    with pytest.raises(InvalidDataError, match=r"E-PUB-002 metadata/cells\.parquet"):
        publish(plan(dataset))
    assert f"{NAME}/{SUMS}" not in served.files()


def test_sending_is_taken_up_again_after_a_break(
    program: Path, served: Served, dataset: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def breaks_once(folder: Path, remote: object, paths: object, on_bytes: object = None) -> None:
        calls.append(list(paths))  # type: ignore[call-overload]
        if len(calls) == 1:
            listing.send(folder, remote, calls[0][:3])  # type: ignore[arg-type]
            raise EnvironmentFaultError(())
        listing.send(folder, remote, calls[-1])  # type: ignore[arg-type]

    monkeypatch.setattr(module, "send", breaks_once)
    publish(plan(dataset))
    assert calls[1] == calls[0][3:]
    assert served.files() == bytes_of(dataset)


def test_a_killed_publish_goes_on_where_it_stopped(program: Path, served: Served, dataset: Layout) -> None:
    slow = {**os.environ, "RCLONE_BWLIMIT": "150k", "RCLONE_TRANSFERS": "1"}
    command = [*ENTRY, "publish", f"s3://{BUCKET}", "--dataset", str(dataset.root)]
    with subprocess.Popen(command, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        end = time.monotonic() + 60
        while len(served.files()) < 5 and time.monotonic() < end and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    time.sleep(2.5)  # rclone without its reader ends at its next word, a second later
    arrived = served.files()
    time.sleep(1.5)
    assert served.files() == arrived
    assert f"{NAME}/{SUMS}" not in arrived
    wanted = bytes_of(dataset)
    whole = {path for path, content in arrived.items() if wanted[path] == content}
    assert 4 <= len(whole) < len(wanted)
    done = subprocess.run([*command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"unchanged {len(whole)};" in done.stdout
    assert served.files() == bytes_of(dataset)
    assert PASSWORD not in done.stdout + done.stderr


def test_a_dry_run_sends_nothing(program: Path, served: Served, dataset: Layout) -> None:
    command = [*ENTRY, "publish", f"s3://{BUCKET}/deep/", "--dataset", str(dataset.root), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    total = sum(map(len, bytes_of(dataset).values()))
    assert f"{len(bytes_of(dataset))} files, {total / 1e6:.1f} MB" in done.stdout
    assert served.files() == {}
    assert not dataset.checksums.exists()


def test_a_dataset_is_validated_in_its_bucket(program: Path, served: Served, dataset: Layout) -> None:
    publish(plan(dataset))
    here, there = validate(dataset.root), validate_remote(open_remote(f"s3://{BUCKET}/{NAME}"))
    assert here.to_json() == there.to_json()
    lost = ("imc/channels.parquet", f"imc/1_0mpp/images/{IMC_ONLY}.ome.zarr/0/c/0/0/0")
    listing.delete(open_remote(f"s3://{BUCKET}/{NAME}"), lost)
    codes = {finding.code for finding in validate_remote(open_remote(f"s3://{BUCKET}/{NAME}")).findings}
    assert {"V301", "V448"} <= codes
    with pytest.raises(UsageError, match="E-FETCH-003"):
        validate_remote(open_remote(f"s3://{BUCKET}/nothing2020here"))


def test_a_dataset_is_looked_at_in_its_bucket(program: Path, served: Served, dataset: Layout) -> None:
    publish(plan(dataset))
    here = look_at_dataset(dataset.root)
    held: list[int] = []
    with open_remote_dataset(open_remote(f"s3://{BUCKET}/{NAME}")) as mirror:
        root, before = mirror.root, disk_bytes(mirror.root)
        assert look_at_dataset(root, mirror=mirror) == here
        assert disk_bytes(root) == before  # no pixel stays
        with mirror.at_hand(list(root.rglob("*.ome.zarr"))):
            held.append(disk_bytes(root))
    assert held[0] > before
    assert not root.exists()
    with open_remote_headers(open_remote(f"s3://{BUCKET}/{NAME}")) as mirror:
        found, local = list(inspect(mirror.root)), list(inspect(dataset.root))
    assert [file.file for file in found] == [file.file for file in local if file.rois]
    assert [file.rois for file in found] == [file.rois for file in local if file.rois]


def test_the_commands_take_a_bucket(program: Path, served: Served, dataset: Layout, tmp_path: Path) -> None:
    publish(plan(dataset))
    there = f"s3://{BUCKET}/{NAME}"
    done = [
        subprocess.run([*ENTRY, *command], capture_output=True, text=True, check=False)
        for command in (
            ["inspect", there],
            ["report", there, "--jobs", "1", "--out", str(tmp_path)],
            ["report", there, "--deep"],
        )
    ]
    assert [run.returncode for run in done] == [0, 0, 2], [run.stderr for run in done]
    assert f"imc/1_0mpp/images/{IMC_ONLY}.ome.zarr" in done[0].stdout
    assert (tmp_path / f"{NAME}.report.html").stat().st_size > 10_000
    assert "E-USE-008" in done[2].stderr


def disk_bytes(root: Path) -> int:
    """Space that the files below a folder take; holes take none."""
    return sum(path.stat().st_blocks * 512 for path in root.rglob("*") if path.is_file())
