"""Whatever stands in a raw folder is reported, never raised, and never with a path of the machine."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spora_build.submission import read_submission
from tests.submission.raw_folder import make_raw_folder

NAMES = ("tissues.csv", "panel_imc.csv", "clinical.csv", "cells.csv", "spora.toml")
SPLICE = st.one_of(
    st.binary(max_size=12),
    st.text('"\n\r,;\t=[]{}.#\0\ufeff\u00e9NA01x', max_size=12).map(lambda text: text.encode()),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good raw folder that each example spoils and mends again."""
    return make_raw_folder(tmp_path_factory.mktemp("raw"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.integers(0, 400), st.integers(0, 40), SPLICE)
def test_splices_anywhere(raw: Path, name: str, start: int, length: int, splice: bytes) -> None:
    path = raw / name
    good = path.read_bytes()
    start = min(start, len(good))
    try:
        path.write_bytes(good[:start] + splice + good[start + length :])
        submission = read_submission(raw)
        if submission.cells is not None:
            found = submission.cells.read()
            assert len(found) == sum(submission.cells.counts.values())
    finally:
        path.write_bytes(good)
    assert not [problem for problem in submission.problems if str(raw) in str(problem)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(NAMES), st.binary(max_size=300))
def test_nothing_but_noise(raw: Path, name: str, noise: bytes) -> None:
    path = raw / name
    good = path.read_bytes()
    try:
        path.write_bytes(noise)
        read_submission(raw)
    finally:
        path.write_bytes(good)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_parquet(raw: Path, data: st.DataObject) -> None:
    text, path = raw / "cells.csv", raw / "cells.parquet"
    good = text.read_bytes()
    text.unlink()
    try:
        rows = 400
        table = pa.table(
            {"tissue": ["T1"] * rows, "cell_id": range(1, rows + 1), "cell_type": ["a", "b"] * (rows // 2)}
        )
        pq.write_table(table, path)
        content = bytearray(path.read_bytes())
        start = data.draw(st.integers(0, len(content) - 1))
        noise = data.draw(st.binary(min_size=1, max_size=64))
        content[start : start + len(noise)] = noise
        path.write_bytes(content)
        read_submission(raw)
    finally:
        path.unlink()
        text.write_bytes(good)
