"""Which raw file became which tissue: remembered in the private folder alone, so that file names can be looked for."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.store.ledger import Ledger
from spora_build.workflows.planning.plan import Plan

SOURCE_PREFIX = "source/"


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
