"""``metadata/segmentation.json``: what made the masks of the tissues that were segmented here."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from spora_build.store.atomic import remove, write_beside
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger


def segment_key(tissue_id: str) -> str:
    """Under which the ledger remembers that a tissue's mask was made here."""
    return f"segment/{tissue_id}"


def was_segmented(ledger: Ledger, tissue_id: str) -> bool:
    """Whether the tissue's mask was made here, and none was given since."""
    return bool(ledger.entries.get(segment_key(tissue_id)))


def add_to_record(layout: Layout, made: Mapping[str, Mapping[str, Any]]) -> None:
    """Tell of more tissues; entries of former runs stay."""
    if made:
        _write(layout, {**_read(layout), **made})


def forget_segmented(layout: Layout, ledger: Ledger, *, keep: Collection[str], given: Collection[str]) -> None:
    """Tell no more of tissues that are gone (not in ``keep``), nor of those whose mask was ``given`` since."""
    gone = {tissue for tissue in _read(layout) if tissue not in keep or tissue in given}
    if gone:
        ledger.record([(segment_key(tissue), "") for tissue in sorted(gone)])
        _write(layout, {tissue: told for tissue, told in _read(layout).items() if tissue not in gone})


def _read(layout: Layout) -> dict[str, Any]:
    path = layout.segmentation_record
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _write(layout: Layout, told: Mapping[str, Any]) -> None:
    if not told:
        remove(layout.segmentation_record)
        return
    with write_beside(layout.segmentation_record) as temporary:
        temporary.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
