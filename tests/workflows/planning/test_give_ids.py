"""Ids of a build: nothing written by a plan alone, and builds at the same time that agree."""

from __future__ import annotations

import csv
import shutil
import threading
from pathlib import Path

import pytest

from spora_build.errors import ExitCode, InvalidDataError, PrivacyError
from spora_build.example.cohort import NAME
from spora_build.model.privacy_rules import Hash, Privacy
from spora_build.privacy.crosswalk import Crosswalk, TissueCodes, TissueRequest
from spora_build.privacy.key import IdKey, export_key
from spora_build.submission import Settings
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.planning.give_ids import KeyMadeMeanwhileError, open_ids

REQUESTS = [TissueRequest("P-1", "a"), TissueRequest("P-1", "b"), TissueRequest("P-2", "c")]


def codes_of(request: ConvertRequest) -> list[str]:
    return [problem.code for problem in prepare(request).plan.problems]


def test_a_dry_run_writes_nothing_and_says_that_its_ids_are_provisional(example_raw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    request = ConvertRequest(raw=example_raw, out=out, dry_run=True)
    assert "N-ID-042" in codes_of(request)
    assert not out.exists()
    real = prepare(ConvertRequest(raw=example_raw, out=out)).plan
    dry = prepare(request).plan
    assert [t.tissue_id for t in dry.tissues] == [t.tissue_id for t in real.tissues]
    assert "N-ID-042" not in [problem.code for problem in dry.problems]


def test_a_plan_with_errors_leaves_no_key_behind(example_raw: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError):
        prepare(ConvertRequest(raw=example_raw, out=tmp_path / "out", overrides={"mpp": [0.25]}))
    assert not (tmp_path / "out").exists()


def test_the_unkeyed_scheme_is_warned_about(example_raw: Path, tmp_path: Path) -> None:
    request = ConvertRequest(raw=example_raw, out=tmp_path, overrides={"id_scheme": "spora"}, dry_run=True)
    assert "W-ID-040" in codes_of(request)


def test_original_ids_are_told(example_raw: Path, tmp_path: Path) -> None:
    request = ConvertRequest(raw=example_raw, out=tmp_path, overrides={"keep_original_ids": True}, dry_run=True)
    assert "W-PRIV-022" in codes_of(request)


def test_a_patient_respelled_since_the_last_build_is_shown(example_raw: Path, tmp_path: Path) -> None:
    example_copy = shutil.copytree(example_raw, tmp_path / "raw")
    request = ConvertRequest(raw=example_copy, out=tmp_path / "out")
    assert "W-ID-041" not in codes_of(request)
    for sheet in ("tissues.csv", "clinical.csv"):
        rows = list(csv.reader((example_copy / sheet).read_text().splitlines()))
        changed = [[cell.replace("P-002", "p002") for cell in row] for row in rows]
        with (example_copy / sheet).open("w", newline="") as file:
            csv.writer(file).writerows(changed)
    found = [problem for problem in prepare(request).plan.problems if problem.code == "W-ID-041"]
    assert [problem.place.row for problem in found] == [4]
    assert "002" not in str(found[0])


def test_a_key_made_by_another_first_build_is_taken(tmp_path: Path) -> None:
    private = tmp_path / f"{NAME}.private"
    first, second = (open_ids(private, Settings(), key_file=None) for _ in range(2))
    given = first.give(NAME, REQUESTS)
    with pytest.raises(KeyMadeMeanwhileError):
        second.give(NAME, REQUESTS)
    assert open_ids(private, Settings(), key_file=None).give(NAME, REQUESTS) == given


def test_a_lost_key_is_not_replaced_by_a_new_one(tmp_path: Path) -> None:
    private = tmp_path / f"{NAME}.private"
    open_ids(private, Settings(), key_file=None).give(NAME, REQUESTS)
    (private / "id.key").unlink()
    with pytest.raises(PrivacyError, match="E-ID-038"):
        open_ids(private, Settings(), key_file=None)
    assert not (private / "id.key").exists()


def test_builds_at_once_give_every_tissue_one_number_for_good(tmp_path: Path) -> None:
    private, key_file = tmp_path / f"{NAME}.private", tmp_path / "lab.key"
    open_ids(tmp_path / "other.private", Settings(), key_file=None).give(NAME, REQUESTS)
    assert isinstance(export_key(tmp_path / "other.private", key_file), IdKey)
    given: dict[str, TissueCodes] = {}
    opened = [open_ids(private, Settings(), key_file=key_file) for _ in range(8)]
    start = threading.Barrier(len(opened))

    def build(number: int) -> None:
        requests = [TissueRequest("P-1", f"core {number}"), TissueRequest("P-1", "shared")]
        start.wait()
        own, shared = opened[number].give(NAME, requests)
        given[f"core {number}"] = own
        assert given.setdefault("shared", shared) == shared

    threads = [threading.Thread(target=build, args=(number,)) for number in range(len(opened))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == len(opened) + 1
    assert sorted(code.specimen_id for code in given.values()) == [f"{n:04d}" for n in range(len(given))]
    known = Crosswalk.load(private)
    key = opened[0].key
    requests = [TissueRequest("P-1", tissue) for tissue in given]
    assert known.assign(requests, dataset=NAME, scheme=opened[0].scheme, key=key) == (known, tuple(given.values()))


def begun(tmp_path: Path, scheme: str = "keyed") -> tuple[Path, set[str]]:
    """A private folder whose ids were given out, and the patient ids that stand in the dataset since."""
    private = tmp_path / f"{NAME}.private"
    given = open_ids(private, Settings(id_scheme=scheme), key_file=None).give(NAME, REQUESTS)
    return private, {code.patient_id for code in given}


@pytest.mark.parametrize(("scheme", "code"), [("keyed", "E-ID-038"), ("random", "E-ID-038"), ("spora", None)], ids=str)
def test_a_lost_private_folder_never_gives_a_dataset_new_ids(tmp_path: Path, scheme: str, code: str | None) -> None:
    private, standing = begun(tmp_path, scheme)
    shutil.rmtree(private)
    if code is None:  # unkeyed ids come back from the sheet alone
        ids = open_ids(private, Settings(id_scheme=scheme), key_file=None, standing=standing)
        assert {c.patient_id for c in ids.give(NAME, REQUESTS)} == standing
        return
    with pytest.raises(PrivacyError) as caught:
        open_ids(private, Settings(id_scheme=scheme), key_file=None, standing=standing)
    assert [problem.code for problem in caught.value.problems] == [code]
    assert private.name in caught.value.problems[0].remedy
    assert not private.exists()


def test_a_lost_crosswalk_comes_back_with_the_key_and_is_told(tmp_path: Path) -> None:
    private, standing = begun(tmp_path)
    before = Crosswalk.load(private)
    export_key(private, tmp_path / "lab.key")
    shutil.rmtree(private)
    ids = open_ids(private, Settings(), key_file=tmp_path / "lab.key", standing=standing)
    assert {code.patient_id for code in ids.preview(NAME, REQUESTS)} == standing
    ids.give(NAME, REQUESTS)
    assert Crosswalk.load(private) == before
    assert ids.standing == standing


@pytest.mark.parametrize("scheme", ["keyed", "spora"])
def test_another_key_or_scheme_beside_a_lost_crosswalk_stops(tmp_path: Path, scheme: str) -> None:
    private, standing = begun(tmp_path)
    shutil.rmtree(private)
    other, _ = begun(tmp_path / "other")
    export_key(other, tmp_path / "lab.key")
    ids = open_ids(private, Settings(id_scheme=scheme), key_file=tmp_path / "lab.key", standing=standing)
    for ask in (ids.preview, ids.give):
        with pytest.raises(PrivacyError) as caught:
            ask(NAME, REQUESTS)
        assert caught.value.problems[0].code == "E-ID-039"
    assert not private.exists()


def test_hashed_columns_of_random_ids_keep_their_key(tmp_path: Path) -> None:
    private = tmp_path / f"{NAME}.private"
    settings = Settings(id_scheme="random", privacy=Privacy(columns={"clinical.case": Hash()}))
    begin = open_ids(private, settings, key_file=None)
    begin.give(NAME, REQUESTS)
    assert open_ids(private, settings, key_file=None).secret == begin.secret
    (private / "id.key").unlink()
    with pytest.raises(PrivacyError, match="E-ID-038"):
        open_ids(private, settings, key_file=None)
    without = open_ids(private, Settings(id_scheme="random"), key_file=None)
    without.give(NAME, REQUESTS)
    assert Crosswalk.load(private).key_fingerprint, "a build that hashes nothing does not forget which key there was"


@pytest.mark.parametrize("dry_run", [False, True])
def test_convert_beside_a_dataset_without_private_folder_stops(
    example_raw: Path, tmp_path: Path, dry_run: bool
) -> None:
    tissue = prepare(ConvertRequest(raw=example_raw, out=tmp_path)).plan.tissues[0].tissue_id
    (tmp_path / NAME / "codex" / "0_5mpp" / "images" / f"{tissue}.ome.zarr").mkdir(parents=True)
    prepare(ConvertRequest(raw=example_raw, out=tmp_path))
    private = (tmp_path / f"{NAME}.private").rename(tmp_path / "away")
    with pytest.raises(PrivacyError) as caught:
        prepare(ConvertRequest(raw=example_raw, out=tmp_path, dry_run=dry_run))
    assert caught.value.exit_code == ExitCode.PRIVACY
    assert [problem.code for problem in caught.value.problems] == ["E-ID-038"]
    with pytest.raises(PrivacyError, match="E-ID-039"):
        key_file = tmp_path / "other.key"
        key_file.touch(mode=0o600)
        key_file.write_text(IdKey.generate().secret.hex())
        prepare(ConvertRequest(raw=example_raw, out=tmp_path, key_file=key_file, dry_run=dry_run))
    assert not (tmp_path / f"{NAME}.private").exists()
    again = prepare(ConvertRequest(raw=example_raw, out=tmp_path, key_file=private / "id.key", dry_run=dry_run)).plan
    assert again.tissues[0].tissue_id == tissue
    assert "W-ID-043" in [problem.code for problem in again.problems]
