"""The tiling stage with its memory: only tissues whose mask or settings changed are tiled again."""

from __future__ import annotations

from collections.abc import Iterable

from spora_build.errors import EnvironmentFaultError, InvalidDataError
from spora_build.model.report import Outcome, Status
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint
from spora_build.store.seal import seal_table
from spora_build.workflows.dataset.cohort import tissue_ids
from spora_build.workflows.dataset.hold import holding
from spora_build.workflows.dataset.outputs import mask_print
from spora_build.workflows.dataset.refuse import refuse_existing
from spora_build.workflows.dataset.roster import withdraw
from spora_build.workflows.dataset.sizes import largest_first, mask_pixels
from spora_build.workflows.running.existing import Existing
from spora_build.workflows.running.guard import guarded
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent
from spora_build.workflows.tiles.tables import read_tiles, write_tiles
from spora_build.workflows.tiles.work import TileJob, TileRequest, TileResult, plan_tiles, tile_need, tile_one

STAGE = "tile"


@holding
def run_tile(
    layout: Layout,
    requests: Iterable[TileRequest],
    *,
    workers: int = 1,
    existing: Existing = Existing.REFRESH,
    show_progress: ShowProgress = silent,
) -> list[Outcome]:
    """Tile every tissue as requested and write the tables; one outcome per tissue."""
    ledger = Ledger.load(layout.private)
    known = tissue_ids(layout)
    jobs = [job for job in plan_tiles(layout, requests) if job.tissue_id in known]
    prints = {_key(job): fingerprint(mask_print(layout, job.mpp, job.tissue_id), job.settings) for job in jobs}
    tables = sorted({(job.mpp, job.settings.strategy, job.settings.size_px) for job in jobs})
    refuse_existing(existing, (layout.tile_coordinates(*table) for table in tables))
    kept, stale = _still_good(layout, jobs, ledger, prints, existing, tables)
    due = largest_first([job for job in jobs if _key(job) not in kept], lambda job: mask_pixels(job.mask_path))
    withdraw(layout, {job.tissue_id for job in due})
    with show_progress("tiles", len(due)) as bar:
        made = run_jobs(
            _tile, due, workers=workers, on_killed=_killed, on_result=lambda _: bar.advance(), need=tile_need
        )
    good = [result for result in made if isinstance(result, TileResult)]
    failed = [result for result in made if isinstance(result, Outcome)]
    if due or stale:
        ledger.begin([_table_key(*table) for table in tables])
        everything = [*kept.values(), *good]
        for mpp, strategy in sorted({(result.mpp, result.settings.strategy) for result in everything}):
            write_tiles(
                layout, mpp, strategy, [r for r in everything if (r.mpp, r.settings.strategy) == (mpp, strategy)]
            )
    ledger.record((key, prints[key]) for key in map(_key, good))
    ledger.record((_table_key(*table), _table_seal(layout, *table)) for table in tables)
    done = {result.tissue_id for result in good}
    lost = {outcome.tissue_id for outcome in failed}
    outcomes = {
        job.tissue_id: Outcome(job.tissue_id, STAGE, Status.DONE if job.tissue_id in done else Status.SKIPPED)
        for job in jobs
        if job.tissue_id not in lost
    }
    return sorted([*outcomes.values(), *failed], key=lambda outcome: outcome.tissue_id)


def _tile(job: TileJob) -> TileResult | Outcome:
    return guarded(job.tissue_id, STAGE, lambda: tile_one(job))


def _killed(job: TileJob, error: EnvironmentFaultError) -> TileResult | Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)


def _key(work: TileJob | TileResult) -> str:
    return f"{STAGE}/{work.mpp!r}/{work.settings.strategy}/{work.settings.size_px}/{work.tissue_id}"


def _table_key(mpp: float, strategy: str, size_px: int) -> str:
    return f"{STAGE}-tables/{mpp!r}/{strategy}/{size_px}"


def _table_seal(layout: Layout, mpp: float, strategy: str, size_px: int) -> str:
    paths = layout.tile_coordinates(mpp, strategy, size_px), layout.tile_stats(mpp, strategy, size_px)
    return " ".join(seal_table(path) or "missing" for path in paths)


def _still_good(
    layout: Layout,
    jobs: list[TileJob],
    ledger: Ledger,
    prints: dict[str, str],
    existing: Existing,
    tables: list[tuple[float, str, int]],
) -> tuple[dict[str, TileResult], bool]:
    """Results of an earlier run whose masks and settings are as they were; whether their tables hold others too.

    Tables that are not as they were written are not believed, nor are those that somebody else wrote.
    """
    if existing is Existing.OVERWRITE:
        return {}, True
    wanted = {_key(job): job for job in jobs}
    known: list[TileResult] = []
    stale = False
    for table in tables:
        if existing is Existing.SKIP or ledger.matches(_table_key(*table), _table_seal(layout, *table)):
            try:
                known += read_tiles(layout, *table)
            except InvalidDataError:
                stale = True
    good = {
        _key(result): result
        for result in known
        if _key(result) in wanted and (existing is Existing.SKIP or ledger.matches(_key(result), prints[_key(result)]))
    }
    return good, stale or len(good) < len(known)
