"""Train and test patients: shares, strata, and stability when patients are added."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.errors import UsageError
from spora_build.store.layout import Layout
from spora_build.workflows.dataset.split import run_split, split_patients
from tests.workflows.conftest import convert

PATIENTS = st.dictionaries(
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8),
    st.sampled_from(["I", "II", "III"]),
    min_size=1,
    max_size=60,
)


@settings(max_examples=100, deadline=None)
@given(PATIENTS, st.floats(0.05, 0.95), st.integers(0, 5))
def test_shares_hold_in_the_whole_and_in_each_stratum(strata: dict[str, str], share: float, seed: int) -> None:
    decided = split_patients(strata, share, seed, {})
    assert decided.keys() == strata.keys()
    test = [patient for patient, split in decided.items() if split == "test"]
    assert abs(len(test) - share * len(strata)) <= 0.5 + 1e-9
    for stratum in set(strata.values()):
        members = [patient for patient in strata if strata[patient] == stratum]
        assert abs(sum(patient in test for patient in members) - share * len(members)) < 1
    backwards = dict(reversed(strata.items()))
    assert split_patients(backwards, share, seed, {}) == decided


@settings(max_examples=100, deadline=None)
@given(PATIENTS, PATIENTS, st.floats(0.05, 0.95))
def test_who_has_a_split_keeps_it(strata: dict[str, str], more: dict[str, str], share: float) -> None:
    before = split_patients(strata, share, 0, {})
    after = split_patients({**more, **strata}, share, 0, before)
    assert {patient: after[patient] for patient in before} == before


def test_another_seed_draws_another_split() -> None:
    strata = dict.fromkeys((f"patient{letter}" for letter in "abcdefghijklmnop"), "all")
    drawn = {tuple(split_patients(strata, 0.5, seed, {}).values()) for seed in range(10)}
    assert len(drawn) > 5


def test_a_new_build_keeps_the_split(example_raw: Path, key_file: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    shutil.copytree(example_raw, raw)
    layout = Layout(convert(raw, tmp_path, key_file))
    rows = run_split(layout, test_share=0.34, by="stage")
    assert sum(row.test for row in rows) == 1
    tissues = pd.read_parquet(layout.tissues_table)
    assert set(tissues["split"]) == {"train", "test"}
    assert (tissues.groupby("patient_id")["split"].nunique() == 1).all()
    convert(raw, tmp_path, key_file)
    pd.testing.assert_frame_equal(pd.read_parquet(layout.tissues_table).sort_index(axis=1), tissues.sort_index(axis=1))
    with pytest.raises(UsageError, match="E-SPLIT-002"):
        run_split(layout, by="grade")
    with pytest.raises(UsageError, match="E-SPLIT-001"):
        run_split(layout, test_share=1.5)
    theirs = tissues.assign(split=["train" if split == "test" else "test" for split in tissues["split"]])
    theirs.to_parquet(layout.tissues_table)
    with pytest.raises(UsageError, match="E-SPLIT-003"):
        run_split(layout)
    run_split(layout, again=True)
