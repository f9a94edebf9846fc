"""A dataset out of a real bucket: whole or in parts, resumed after a kill, never half a file, never a wrong byte."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from spora_build.errors import InvalidDataError, UsageError
from spora_build.store.layout import Layout
from spora_build.transfer import listing
from spora_build.transfer.remote import open_remote
from spora_build.workflows.bucket import fetch as module
from spora_build.workflows.bucket.fetch import Download, fetch, plan_download
from spora_build.workflows.bucket.publish import plan_publication, publish
from spora_build.workflows.checking.validate import validate
from tests.checks.build_dataset import IMC_ONLY, NAME
from tests.transfer.s3_server import BUCKET, Served, replace_object

ENTRY = (sys.executable, "-c", "import sys; sys.argv[0] = 'spora-build'; from spora_build.cli.app import main; main()")


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def plan(out: Path, **parts: Iterable[object]) -> Download:
    return plan_download(open_remote(f"s3://{BUCKET}"), NAME, out, **parts)  # type: ignore[arg-type]


@pytest.fixture
def published(program: Path, served: Served, dataset: Layout) -> Layout:
    """The dataset as it was sent."""
    publish(plan_publication(dataset, open_remote(f"s3://{BUCKET}")))
    return dataset


def test_a_fetched_dataset_is_the_published_one(published: Layout, tmp_path: Path) -> None:
    out = tmp_path / "there"
    download = plan(out)
    assert not out.exists()
    fetch(download)
    assert tree(out / NAME) == tree(published.root)
    assert [path.name for path in out.iterdir()] == [NAME]
    again = plan(out)
    assert (again.due, again.kept) == ((), len(tree(published.root)) - 1)


def test_parts_open_without_the_rest(published: Layout, tmp_path: Path) -> None:
    fetch(plan(tmp_path, modalities=["imc"], mpps=[1.0], tissues=[IMC_ONLY]))
    root = tmp_path / NAME
    image = f"imc/1_0mpp/images/{IMC_ONLY}.ome.zarr/0"
    got, sent = (zarr.open(folder / image, mode="r")[:] for folder in (root, published.root))
    assert np.array_equal(got, sent)
    assert [path.name for path in root.rglob("*.ome.zarr")] == [f"{IMC_ONLY}.ome.zarr"]
    assert {path.name for path in root.rglob("*mpp")} == {"1_0mpp"}
    broken = {finding.code for finding in validate(root).findings if finding.severity == "error"}
    assert broken == {"V208", "V401", "V714"}  # the tissue of the same modality that was left out on purpose


@pytest.mark.spora_io
@pytest.mark.skipif(importlib.util.find_spec("spora_io") is None, reason="spora-io is not installed")
def test_spora_io_opens_parts(published: Layout, tmp_path: Path) -> None:
    from tests.load_everything import load_everything

    fetch(plan(tmp_path, mpps=[1.0]))
    assert load_everything(tmp_path / NAME)["tissues"] == 4


def test_more_parts_join_the_first(published: Layout, tmp_path: Path) -> None:
    fetch(plan(tmp_path, modalities=["he"]))
    rest = plan(tmp_path)
    assert not [path for path in rest.due if path.startswith("he/")]
    fetch(rest)
    assert tree(tmp_path / NAME) == tree(published.root)


def test_what_changed_in_the_bucket_is_fetched_again(published: Layout, tmp_path: Path) -> None:
    fetch(plan(tmp_path))
    tissues = pd.read_parquet(published.tissues_table)
    tissues.assign(grade="3").to_parquet(published.tissues_table, index=False)
    publish(plan_publication(published, open_remote(f"s3://{BUCKET}")))
    download = plan(tmp_path)
    assert download.due == ("metadata/tissues.parquet",)
    fetch(download)
    assert tree(tmp_path / NAME) == tree(published.root)


def test_a_damaged_local_file_is_found_where_nobody_vouches_for_it(published: Layout, tmp_path: Path) -> None:
    fetch(plan(tmp_path))
    layout = Layout(tmp_path / NAME)
    mask = layout.tissue_mask(1.0, IMC_ONLY)
    mask.write_bytes(bytes(mask.stat().st_size))
    layout.checksums.unlink()
    assert plan(tmp_path).due == (mask.relative_to(layout.root).as_posix(),)


def test_a_corrupt_object_never_reaches_its_place(published: Layout, served: Served, tmp_path: Path) -> None:
    path = published.tissue_mask(1.0, IMC_ONLY).relative_to(published.root).as_posix()
    content = bytearray((published.root / path).read_bytes())
    content[-1] ^= 1
    replace_object(served, f"{NAME}/{path}", bytes(content))
    with pytest.raises(InvalidDataError, match="E-FETCH-006") as caught:
        fetch(plan(tmp_path))
    assert [problem.place.file for problem in caught.value.problems] == [path]
    wanted = tree(published.root)
    assert tree(tmp_path / NAME) == {p: b for p, b in wanted.items() if p not in (path, "metadata/checksums.sha256")}
    replace_object(served, f"{NAME}/{path}", wanted[path])
    fetch(plan(tmp_path))
    assert tree(tmp_path / NAME) == wanted


def test_a_lost_object_is_told(published: Layout, tmp_path: Path) -> None:
    listing.delete(open_remote(f"s3://{BUCKET}/{NAME}"), ["imc/channels.parquet"])
    with pytest.raises(InvalidDataError, match=r"E-FETCH-007 imc/channels\.parquet"):
        fetch(plan(tmp_path))
    assert len(tree(tmp_path / NAME)) == len(tree(published.root)) - 2


def test_a_dataset_without_checksums_is_held_to_the_store_s(published: Layout, tmp_path: Path) -> None:
    remote = open_remote(f"s3://{BUCKET}/{NAME}")
    listing.delete(remote, ["metadata/checksums.sha256"])
    download = plan(tmp_path)
    assert (download.checksums, download.manifest) == ({}, None)
    fetch(download)
    wanted = tree(published.root)
    del wanted["metadata/checksums.sha256"]
    assert tree(tmp_path / NAME) == wanted
    mask = Layout(tmp_path / NAME).tissue_mask(1.0, IMC_ONLY)
    mask.write_bytes(bytes(mask.stat().st_size))
    assert len(plan(tmp_path).due) == 1


def test_objects_that_no_checksum_file_lists_are_left_alone(published: Layout, served: Served, tmp_path: Path) -> None:
    replace_object(served, f"{NAME}/imc/left_over.parquet", b"of an older publish")
    fetch(plan(tmp_path))
    assert tree(tmp_path / NAME) == tree(published.root)


def test_a_full_disk_is_told_before_anything_is_fetched(
    published: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download = plan(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: type("Usage", (), {"free": download.bytes_due - 1}))
    with pytest.raises(Exception, match="E-ENV-001"):
        fetch(download)
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize("name", ["nobody2020here", "../here", ".hidden", "a/b", ""])
def test_a_dataset_that_is_not_there_is_told(program: Path, served: Served, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="E-FETCH-003"):
        plan_download(open_remote(f"s3://{BUCKET}"), name, tmp_path)


def test_a_killed_fetch_goes_on_where_it_stopped(published: Layout, tmp_path: Path) -> None:
    out = tmp_path / "there"
    slow = {**os.environ, "RCLONE_BWLIMIT": "200k", "RCLONE_TRANSFERS": "1"}
    command = [*ENTRY, "fetch", NAME, "--from", f"s3://{BUCKET}", "--out", str(out)]
    staging = out / f".{NAME}.fetch.building"
    with subprocess.Popen(command, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        end = time.monotonic() + 60
        while len(tree(staging)) < 5 and time.monotonic() < end and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    time.sleep(2.5)
    wanted = tree(published.root)
    staged = {path for path, content in tree(staging).items() if wanted.get(path) == content}
    assert 4 <= len(staged) < len(wanted)
    assert not (out / NAME).exists()
    received: list[set[str]] = []
    with pytest.MonkeyPatch.context() as patch:

        def noted(remote: object, folder: Path, paths: Iterable[str], on_bytes: object = None) -> None:
            received.append(set(paths))
            listing.receive(remote, folder, received[-1])  # type: ignore[arg-type]

        patch.setattr(module, "receive", noted)
        fetch(plan(out))
    assert not received[-1] & staged
    assert tree(out / NAME) == wanted
    assert [path.name for path in out.iterdir()] == [NAME]
