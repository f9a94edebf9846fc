"""``report``: look at a dataset, tissue by tissue, and tell what was seen. Reads only the dataset's own folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from spora_build import __version__
from spora_build.checks.core import Status as RuleStatus
from spora_build.checks.report import Report
from spora_build.checks.view import DatasetView
from spora_build.errors import EnvironmentFaultError, Problem, UsageError
from spora_build.model.report import Outcome, Status
from spora_build.report.page import render
from spora_build.report.values import DatasetLook, FoundIssue, TissueLook, Validation
from spora_build.store.atomic import write_beside
from spora_build.store.layout import Layout
from spora_build.transfer.mirror import Mirror
from spora_build.workflows.checking.validate import validate
from spora_build.workflows.reporting.columns import read_columns
from spora_build.workflows.reporting.jobs import LookJob
from spora_build.workflows.reporting.look_at_tissue import look_at_tissue
from spora_build.workflows.reporting.plan import choose_shown, here, plan_looks
from spora_build.workflows.reporting.tables import read_cohort, read_panel, read_provenance, read_tile_layers
from spora_build.workflows.running.guard import guarded
from spora_build.workflows.running.jobs import run_jobs
from spora_build.workflows.running.progress import ShowProgress, silent

STAGE = "report"
_MOST_PLACES = 20


def look_at_dataset(
    root: Path,
    *,
    markers: Sequence[str] = (),
    deep: bool = False,
    workers: int = 1,
    show_progress: ShowProgress = silent,
    mirror: Mirror | None = None,
) -> DatasetLook:
    """Everything the report shows of a dataset, the same whatever ``workers``.

    ``markers`` are the channels of the composites (up to one nuclear and three others); without them they are chosen
    by their structure. ``deep`` validates every pixel too. With a ``mirror`` the dataset lies in a bucket, and each
    tissue's pixels are brought here while it is looked at. Raises UsageError for markers that no panel has.
    """
    view = DatasetView(root)
    panels = {modality: read_panel(view, modality) for modality in view.panels}
    shown = choose_shown(view, panels, markers, workers, show_progress, mirror)
    jobs = plan_looks(view, shown)
    with show_progress("report", len(jobs)) as bar:
        results = run_jobs(
            partial(_look, mirror), jobs, workers=workers, on_killed=_lost, on_result=lambda _: bar.advance()
        )
    layers = read_tile_layers(view)
    looks = {r.tissue_id: replace(r, tiles=layers.get(r.tissue_id, ())) for r in results if isinstance(r, TissueLook)}
    failed = {r.tissue_id: tuple(p.what for p in r.problems) for r in results if isinstance(r, Outcome)}
    return DatasetLook(
        name=view.layout.name,
        version=__version__,
        tissues=read_cohort(view),
        looks=looks,
        panels={modality.name: panel for modality, panel in panels.items()},
        markers={modality.name: tuple(channel.name for channel in channels) for modality, channels in shown.items()},
        validation=_validation(validate(root, deep=deep)),
        provenance=read_provenance(view),
        tables=read_columns(view),
        failures=failed,
    )


def report_path(layout: Layout, out: Path | None) -> Path:
    """Where the page goes: ``out`` (in it, where it is a folder), else ``<dataset>.report.html`` beside the dataset.

    Raises UsageError for a place inside the dataset, which holds nothing but what the format knows.
    """
    name = f"{layout.name}.report.html"
    path = layout.root.resolve().with_name(name) if out is None else out / name if out.is_dir() else out
    if layout.root.resolve() in path.resolve().parents:
        raise UsageError(
            Problem(
                "E-REPORT-002",
                "the report would lie inside the dataset, where the format allows no other files.",
                "give --out a place outside the dataset's folder.",
            )
        )
    return path


def write_report(path: Path, look: DatasetLook) -> None:
    """Write the page, whole or not at all."""
    with write_beside(path) as temporary:
        temporary.write_text(render(look), encoding="utf-8", newline="\n")


def _look(mirror: Mirror | None, job: LookJob) -> TissueLook | Outcome:
    def look() -> TissueLook:
        with here(mirror, [path for image in job.images for _, path in image.levels]):
            return look_at_tissue(job)

    return guarded(job.tissue_id, STAGE, look)


def _lost(job: LookJob, error: EnvironmentFaultError) -> TissueLook | Outcome:
    return Outcome(job.tissue_id, STAGE, Status.FAILED, error.problems)


def _validation(report: Report) -> Validation:
    return Validation(
        findings=tuple(
            FoundIssue(f.code, str(f.severity), f.message, f.remedy, f.count, tuple(map(str, f.places[:_MOST_PLACES])))
            for f in report.findings
        ),
        passed=report.tally(RuleStatus.PASSED),
        failed=report.tally(RuleStatus.FAILED),
        skipped=report.tally(RuleStatus.SKIPPED),
        deep=report.deep,
    )
