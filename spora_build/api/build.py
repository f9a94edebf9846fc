"""From raw files to a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from spora_build.api.dataset import Dataset, whole
from spora_build.model.modality import Modality
from spora_build.workflows import build as _build
from spora_build.workflows import doctor as _doctor
from spora_build.workflows.convert import ConvertRequest, prepare
from spora_build.workflows.drafting import init as _init
from spora_build.workflows.drafting import inspect as _inspect
from spora_build.workflows.planning.plan import Plan
from spora_build.workflows.running.existing import Existing


def doctor() -> tuple[_doctor.Finding, ...]:
    """Python, packages, codecs, cores, memory, disk and rclone of this machine."""
    return tuple(_doctor.examine())


def inspect(path: Path | str) -> tuple[_inspect.InspectedFile, ...]:
    """What is in a raw file, or in every file below a folder, from headers alone. Raises UsageError."""
    return tuple(_inspect.inspect(Path(path)))


def init(raw: Path | str, *, template: str | None = None) -> _init.Draft:
    """Draft the sheets of a raw folder, or write the empty ones of a modality (``template``). Never overwrites.

    What is left to a person is in ``problems``. Raises UsageError, InvalidDataError.
    """
    if template is not None:
        return _init.write_templates(Path(raw), Modality.parse(template))
    return _init.draft(Path(raw))


def plan(
    raw: Path | str,
    *,
    name: str | None = None,
    out: Path | str = ".",
    settings: Mapping[str, object] | None = None,
    key_file: Path | str | None = None,
) -> Plan:
    """What :func:`convert` would do, and every warning and note about it; writes nothing. Raises what convert does."""
    request = ConvertRequest(
        raw=Path(raw), name=name, out=Path(out), overrides=settings or {}, key_file=_path(key_file), dry_run=True
    )
    return prepare(request).plan


def convert(
    raw: Path | str,
    *,
    name: str | None = None,
    out: Path | str = ".",
    settings: Mapping[str, object] | None = None,
    only: Iterable[str] = (),
    existing: str = "refresh",
    jobs: int = 0,
    key_file: Path | str | None = None,
    verify_inputs: bool = False,
    fail_fast: bool = False,
    prune: bool = False,
) -> Dataset:
    """Build a dataset from a raw folder: images, metadata, masks, cells, tiles and statistics.

    ``settings`` are those of spora.toml by dotted key (``{"mpp": ["native", 1.0], "tiling.stride": 64}``) and go before
    the file. ``jobs`` 0 uses every core. Warnings are in ``plan(raw).problems``.
    Raises PartialError where some tissues failed, PrivacyError, InvalidDataError, UsageError or EnvironmentFaultError.
    """
    request = ConvertRequest(
        raw=Path(raw),
        name=name,
        out=Path(out),
        overrides=settings or {},
        only=tuple(only),
        workers=jobs,
        existing=Existing(existing),
        key_file=_path(key_file),
        verify_inputs=verify_inputs,
        fail_fast=fail_fast,
        prune=prune,
    )
    conversion = prepare(request)
    whole(_build.build(conversion, request))
    return Dataset(conversion.layout.root)


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(given)
