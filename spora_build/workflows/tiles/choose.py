"""From options or settings to the tiles that are wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spora_build.errors import Place, Problem, UsageError
from spora_build.model.modality import Modality
from spora_build.pixels.tile_settings import TilingSettings
from spora_build.store.layout import Layout
from spora_build.workflows.dataset.cohort import native_mpps
from spora_build.workflows.tiles.work import TRAINING_MPP, TRAINING_SIZES_PX, TileRequest, default_requests


def choose_tiles(
    layout: Layout,
    *,
    sizes: Sequence[int] | None,
    mpps: Sequence[float | str] | None,
    strategy: str,
    given: Mapping[str, Any],
) -> tuple[TileRequest, ...]:
    """Requests for these sizes at these pixel sizes; the usual ones where neither is given.

    ``given`` are fields of TilingSettings, None where the default serves. Raises UsageError.
    """
    options = {key: value for key, value in given.items() if value is not None}
    stored = layout.find_mask_resolutions()
    if sizes is None and mpps is None:
        template = TilingSettings(TRAINING_SIZES_PX[0], strategy=strategy, **options)
        requests = default_requests(layout, native_mpps(layout, Modality("he")), template)
        if requests or not stored:
            return requests
        mpps = stored[:1]
    chosen = [stored[0] if mpp == "native" and stored else mpp for mpp in mpps or [TRAINING_MPP]]
    missing = [mpp for mpp in chosen if mpp not in stored]
    if missing:
        raise UsageError(
            Problem(
                "E-TILE-010",
                f"the dataset has no tissue masks at {missing[0]} µm per pixel, only at {stored}.",
                "choose one of these with --mpp, or run `spora-build mask` first.",
                Place(column="mpp"),
            )
        )
    return tuple(
        TileRequest(float(mpp), TilingSettings(size, strategy=strategy, **options))
        for mpp in chosen
        for size in sizes or TRAINING_SIZES_PX
    )
