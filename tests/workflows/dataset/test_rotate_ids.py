"""Rotation: a new name, a new key, the same specimen numbers, and a build that uses them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from spora_build.errors import UsageError
from spora_build.privacy.pseudonym import IdScheme
from spora_build.store.layout import Layout
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.dataset.rotate_ids import ROTATION_FILE, new_dataset, rotate_ids

NEW = "example2027shared"


@pytest.mark.parametrize("scheme", [None, IdScheme.RANDOM])
def test_a_build_under_the_new_name_has_the_rotated_ids(
    example_raw: Path, key_file: Path, tmp_path: Path, scheme: IdScheme | None
) -> None:
    old = prepare(ConvertRequest(raw=example_raw, out=tmp_path, key_file=key_file))
    done = rotate_ids(old.layout, new_dataset(NEW, tmp_path), scheme=scheme)
    overrides = {} if scheme is None else {"id_scheme": scheme.value}
    new = prepare(ConvertRequest(raw=example_raw, out=tmp_path, name=NEW, overrides=overrides))
    header, *pairs = csv.reader((done.layout.private / ROTATION_FILE).read_text().splitlines())
    assert header == ["old_tissue_id", "tissue_id"]
    built = [(a.tissue_id, b.tissue_id) for a, b in zip(old.plan.tissues, new.plan.tissues, strict=True)]
    assert sorted(map(tuple, pairs)) == sorted(built)
    assert all(a.split("_")[2] == b.split("_")[2] for a, b in built)
    assert not {a.split("_")[1] for a, _ in built} & {b.split("_")[1] for _, b in built}
    modes = {path.stat().st_mode & 0o777 for path in done.layout.private.iterdir()}
    assert modes == {0o600}


def test_what_cannot_be_rotated_is_refused(example_raw: Path, key_file: Path, tmp_path: Path) -> None:
    old = prepare(ConvertRequest(raw=example_raw, out=tmp_path, key_file=key_file)).layout
    rotate_ids(old, new_dataset(NEW, tmp_path))
    for refused in (
        lambda: rotate_ids(old, new_dataset(NEW, tmp_path)),
        lambda: rotate_ids(Layout(tmp_path / "nobody2020here"), new_dataset("other2027shared", tmp_path)),
        lambda: new_dataset("../Other", tmp_path),
    ):
        with pytest.raises(UsageError):
            refused()
    assert not (tmp_path / "other2027shared.private").exists()
