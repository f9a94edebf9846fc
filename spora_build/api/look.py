"""Check a dataset, look at it, mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spora_build.api.dataset import Dataset, layout_of
from spora_build.checks.report import Report
from spora_build.errors import Severity
from spora_build.workflows.checking import privacy_check as _privacy_check
from spora_build.workflows.checking import validate as _validate
from spora_build.workflows.dataset import repair as _repair
from spora_build.workflows.dataset.bench_config import BenchConfigs, plan_bench_configs, write_bench_configs
from spora_build.workflows.dataset.find_dataset import find_dataset_or_remains
from spora_build.workflows.reporting import report as _report
from spora_build.workflows.running.jobs import default_workers


def validate(
    dataset: Dataset | Path | str = ".", *, deep: bool = False, severities: Mapping[str, Severity] | None = None
) -> Report:
    """Check a dataset against every rule of the format; ``deep`` reads every mask and pixel too.

    Broken rules are in the report (``findings``, ``exit_code()``) and raise nothing.
    """
    return _validate.validate(layout_of(dataset).root, deep=deep, severities=severities)


def privacy_check(
    dataset: Dataset | Path | str = ".", *, private: Path | str | None = None
) -> _privacy_check.PrivacyReport:
    """Search a finished dataset, byte by byte, for the raw identifiers of its crosswalk. Raises UsageError."""
    return _privacy_check.privacy_check(layout_of(dataset), private=None if private is None else Path(private))


def write_report(
    dataset: Dataset | Path | str = ".",
    *,
    out: Path | str | None = None,
    markers: Sequence[str] = (),
    deep: bool = False,
    jobs: int = 0,
) -> Path:
    """Write one HTML page about a dataset, as ``spora-build report`` does, and return its path. Raises UsageError."""
    layout = layout_of(dataset)
    path = _report.report_path(layout, None if out is None else Path(out))
    look = _report.look_at_dataset(layout.root, markers=markers, deep=deep, workers=jobs or default_workers())
    _report.write_report(path, look)
    return path


def bench_config(dataset: Dataset | Path | str = ".", *, out: Path | str = "configs") -> BenchConfigs:
    """Write spora-bench's configurations below ``out``; files that are there stay. Raises InvalidDataError."""
    configs = plan_bench_configs(layout_of(dataset))
    write_bench_configs(configs, Path(out))
    return configs


def repair(
    dataset: Dataset | Path | str = ".", *, yes: bool = False, prune: bool = False
) -> tuple[_repair.Finding, ...]:
    """What a crash or a stray copy left in a dataset; with ``yes`` it is put right. Raises UsageError."""
    layout = dataset.layout if isinstance(dataset, Dataset) else find_dataset_or_remains(Path(dataset))
    return tuple(_repair.repair(layout, with_orphans=prune) if yes else _repair.find_faults(layout))
