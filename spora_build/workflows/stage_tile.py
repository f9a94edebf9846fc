"""The tiling stage with its memory: only tissues whose mask or settings changed are tiled again."""

from __future__ import annotations

from collections.abc import Iterable

from spora_build.errors import EnvironmentFaultError
from spora_build.model.report import Outcome, Status
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.workflows.guard import guarded
from spora_build.workflows.jobs import Existing, run_jobs
from spora_build.workflows.progress import ShowProgress, silent
from spora_build.workflows.tile import TileJob, TileRequest, TileResult, plan_tiles, tile_one
from spora_build.workflows.tile_tables import read_tiles, write_tiles

STAGE = "tile"


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
    jobs = plan_tiles(layout, requests)
    prints = {_key(job): fingerprint(fingerprint_file(job.mask_path), job.settings) for job in jobs}
    kept = _still_good(layout, jobs, ledger, prints, existing)
    due = [job for job in jobs if _key(job) not in kept]
    with show_progress("tiles", len(due)) as bar:
        made = run_jobs(_tile, due, workers=workers, on_killed=_killed, on_result=lambda _: bar.advance())
    good = [result for result in made if isinstance(result, TileResult)]
    failed = [result for result in made if isinstance(result, Outcome)]
    if due or existing is Existing.OVERWRITE:
        everything = [*kept.values(), *good]
        for mpp, strategy in sorted({(result.mpp, result.settings.strategy) for result in everything}):
            write_tiles(
                layout, mpp, strategy, [r for r in everything if (r.mpp, r.settings.strategy) == (mpp, strategy)]
            )
    ledger.record((key, prints[key]) for key in map(_key, good))
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


def _still_good(
    layout: Layout, jobs: list[TileJob], ledger: Ledger, prints: dict[str, str], existing: Existing
) -> dict[str, TileResult]:
    """Results of an earlier run whose masks and settings are as they were."""
    if existing is Existing.OVERWRITE:
        return {}
    wanted = {_key(job): job for job in jobs}
    tables = {(job.mpp, job.settings.strategy, job.settings.size_px) for job in jobs}
    known = [result for mpp, strategy, size in sorted(tables) for result in read_tiles(layout, mpp, strategy, size)]
    return {
        _key(result): result
        for result in known
        if _key(result) in wanted and (existing is Existing.SKIP or ledger.matches(_key(result), prints[_key(result)]))
    }
