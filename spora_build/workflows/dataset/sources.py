"""What must not be found in the dataset besides the crosswalk's identifiers; remembered in the private folder alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from spora_build.store.ledger import Ledger
from spora_build.workflows.planning.plan import Plan

SOURCE_PREFIX = "source/"
_WITHHELD_KEY = "privacy/withheld"


def source_entries(plan: Plan) -> Iterator[tuple[str, str]]:
    """Lines for the private ledger: the raw file of every image, as the sheet names it."""
    for tissue in plan.tissues:
        for image in tissue.images:
            yield f"{SOURCE_PREFIX}{image.modality}/{tissue.tissue_id}", image.shown_name


def read_sources(ledger: Ledger) -> dict[str, str]:
    """Raw files by the image they became (``he image of <tissue_id>``)."""
    found = {}
    for key, file in ledger.entries.items():
        if key.startswith(SOURCE_PREFIX):
            modality, tissue_id = key.removeprefix(SOURCE_PREFIX).rsplit("/", 1)
            found[f"the {modality} image of {tissue_id}"] = file
    return found


def withheld_entry(withheld: Mapping[str, frozenset[str]]) -> tuple[str, str]:
    """The line of the private ledger with the values of columns that were left out."""
    listed = {column: sorted(values) for column, values in withheld.items()}
    return _WITHHELD_KEY, json.dumps(listed, ensure_ascii=False)


def read_withheld(ledger: Ledger) -> dict[str, frozenset[str]]:
    """Values that were left out, by ``table.column``."""
    listed: dict[str, list[str]] = json.loads(ledger.entries.get(_WITHHELD_KEY, "{}"))
    return {column: frozenset(values) for column, values in listed.items()}
