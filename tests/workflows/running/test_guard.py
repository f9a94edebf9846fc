"""What becomes of errors that nobody foresaw: names of our own outputs are told, others may identify somebody."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from spora_build.store.atomic import write_beside
from spora_build.workflows.running.guard import explain


def test_an_output_that_was_refused_is_named(tmp_path: Path) -> None:
    with write_beside(tmp_path / "images" / "x.ome.zarr") as temporary:
        temporary.write_bytes(b"")
    problem = explain(PermissionError(errno.EACCES, "no", str(temporary)))[0]
    assert (problem.code, problem.place.file) == ("E-ENV-013", "images/x.ome.zarr")


@pytest.mark.parametrize("name", ["/raw/Hans_Muster.tif", None])
def test_no_other_file_is(name: str | None) -> None:
    problem = explain(PermissionError(errno.EACCES, "no", name))[0]
    assert (problem.code, problem.place.file) == ("E-ENV-013", None)
