"""What is remembered of masks: those that were made here and replaced are known, those that a person edited are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from spora_build.store.ledger import Ledger
from spora_build.store.mask import write_mask
from spora_build.workflows.dataset.outputs import are_former, made_entry, replaced_entry

KEY = "mask/t"


def mask(path: Path, rows: int) -> bytes:
    pixels = np.zeros((8, 8), bool)
    pixels[:rows] = True
    write_mask(path, pixels)
    return path.read_bytes()


def make(
    ledger: Ledger, path: Path, rows: int, *, dies: bool = False, edit: Callable[[], bytes] | None = None
) -> bytes:
    """As a stage does: tell what is replaced, begin, write, tell what was made."""
    ledger.record([replaced_entry(ledger, KEY, [path])])
    ledger.begin([KEY])
    made = mask(path, rows)
    if not dies:
        ledger.record([(KEY, f"of {rows}"), made_entry(ledger, KEY, [path])])
    return made if edit is None else edit()


def test_an_older_mask_of_ours_that_is_back_is_known(tmp_path: Path) -> None:
    ledger, path = Ledger.load(tmp_path), tmp_path / "t.npz"
    first = make(ledger, path, 1)
    make(ledger, path, 2)
    assert not are_former(ledger, KEY, [path])
    path.write_bytes(first)
    assert are_former(Ledger.load(tmp_path), KEY, [path])


def test_one_of_a_build_that_died_is_known(tmp_path: Path) -> None:
    ledger, path = Ledger.load(tmp_path), tmp_path / "t.npz"
    unrecorded = make(ledger, path, 1, dies=True)
    make(ledger, path, 2)
    path.write_bytes(unrecorded)
    assert are_former(ledger, KEY, [path])


def test_an_edit_that_is_brought_back_is_a_persons_own(tmp_path: Path) -> None:
    ledger, path = Ledger.load(tmp_path), tmp_path / "t.npz"
    edited = make(ledger, path, 1, edit=lambda: mask(path, 5))
    make(ledger, path, 2)
    path.write_bytes(edited)
    assert not are_former(ledger, KEY, [path])
