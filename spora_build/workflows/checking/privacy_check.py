"""``privacy-check``: proof by bytes that no raw identifier is in a finished dataset."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spora_build.errors import ExitCode, Place, Problem, Severity, UsageError
from spora_build.model.modality import MULTIPLEX_NAMES
from spora_build.privacy.crosswalk import Crosswalk
from spora_build.privacy.scan import Leak, ScanReport, scan_tree
from spora_build.privacy.tokens import crosswalk_tokens, file_texts, file_tokens, fold
from spora_build.privacy.withheld import withheld_tokens
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger
from spora_build.workflows.checking.relint import Decided, read_decisions, relint
from spora_build.workflows.dataset.sources import read_sources, read_withheld
from spora_build.workflows.planning.metadata import ORIGINAL_PATIENT
from spora_build.workflows.running.progress import ShowProgress, silent

FORMAT_WORDS = frozenset(
    (*MULTIPLEX_NAMES, "he", "ihc", "metadata", "images", "segmentations", "tiling", "standardization", "instances")
)
"""Folders of every dataset: an image called ``ihc.png`` is no reason to look for them."""


@dataclass(frozen=True)
class PrivacyReport:
    """What a check looked at and what it found."""

    dataset: str
    scan: ScanReport
    keeps_original_ids: bool
    """Whether somebody chose to have the raw patient ids in tissues.parquet: that column is then not searched."""
    problems: tuple[Problem, ...]
    """Leaks, findings of the gate about columns, files that could not be read."""

    @property
    def exit_code(self) -> ExitCode:
        """PRIVACY where something stands against sharing the dataset, else OK."""
        failed = any(problem.severity is Severity.ERROR for problem in self.problems)
        return ExitCode.PRIVACY if failed else ExitCode.OK

    def summary(self) -> str:
        """One line that says what was looked at."""
        scan = self.scan
        return (
            f"looked for {scan.tokens} identifiers in {scan.files} files ({scan.bytes_read / 1e6:.1f} MB),"
            f" {scan.tables} tables decoded, {scan.members} masks decompressed, {len(scan.unread)} files unread"
        )

    def to_json(self) -> str:
        """The report as JSON, with the exit code."""
        scan = self.scan
        return (
            json.dumps(
                {
                    "dataset": self.dataset,
                    "exit_code": int(self.exit_code),
                    "identifiers": scan.tokens,
                    "files": scan.files,
                    "bytes": scan.bytes_read,
                    "tables": scan.tables,
                    "members": scan.members,
                    "unread": list(scan.unread),
                    "keeps_original_ids": self.keeps_original_ids,
                    "problems": [_as_json(problem) for problem in self.problems],
                },
                indent=2,
                ensure_ascii=False,
            )
            + "\n"
        )


def privacy_check(
    layout: Layout, *, private: Path | None = None, show_progress: ShowProgress = silent
) -> PrivacyReport:
    """Search a finished dataset for every identifier of its crosswalk, and its tables for columns that may identify.

    ``private`` is the private folder, by default the one beside the dataset. Reads only. Raises UsageError where there
    is no crosswalk, for then nothing can be proved.
    """
    private = private or layout.private
    crosswalk = Crosswalk.load(private)
    if not crosswalk.entries:
        raise UsageError(
            Problem(
                "E-PRIV-023",
                "there is no crosswalk to take identifiers from, so nothing can be proved.",
                "run it where the dataset was built, or give the private folder with --private <folder>.",
                Place(file=private.name),
            )
        )
    kept = _kept_columns(layout)
    ledger = Ledger.load(private)
    sources, withheld = read_sources(ledger), read_withheld(ledger)
    known = [*withheld_tokens(withheld), *crosswalk_tokens(crosswalk), *file_tokens(sources)]
    tokens = [token for token in known if fold(token.text) not in FORMAT_WORDS]
    total = sum(len(files) for _, _, files in os.walk(layout.root))
    with show_progress("privacy check", total) as bar:
        scan = scan_tree(layout.root, tokens, kept=kept, on_file=bar.advance)
    raw_ids = {entry.original for entry in crosswalk.entries} | {t for f in sources.values() for t in file_texts(f)}
    decided = read_decisions(private)
    allowed = set(_allowed_leaks(layout, scan, decided))
    problems = [_allowed(leak) if leak in allowed else leak.problem() for leak in scan.leaks]
    problems += [_unread(file) for file in scan.unread]
    problems += relint(layout, raw_ids, decided)
    if kept:
        problems.append(_kept_note(layout))
    return PrivacyReport(layout.name, scan, bool(kept), tuple(problems))


def _kept_columns(layout: Layout) -> dict[str, list[str]]:
    import pyarrow.parquet as pq

    if ORIGINAL_PATIENT not in pq.read_schema(layout.tissues_table).names:
        return {}
    return {layout.tissues_table.relative_to(layout.root).as_posix(): [ORIGINAL_PATIENT]}


def _allowed_leaks(layout: Layout, scan: ScanReport, decided: Decided) -> Iterator[Leak]:
    """Leaks in columns that somebody took as they are, and the same identifiers in the bytes of that very table."""
    for table, path in (("tissues", layout.tissues_table), ("cells", layout.cells_table)):
        file = f"{layout.name}/{path.relative_to(layout.root).as_posix()}"
        here = [leak for leak in scan.leaks if leak.file == file]
        in_columns = [leak for leak in here if leak.column is not None]
        open_tokens = {leak.token for leak in in_columns if not decided.allows(table, leak.column or "")}
        closed = {leak.token for leak in in_columns} - open_tokens
        yield from (
            leak for leak in here if leak.token in closed and (leak.column is not None or leak.where == "bytes")
        )


def _allowed(leak: Leak) -> Problem:
    return Problem(
        "W-PRIV-025",
        f"the identifier of {leak.token} is in this file ({leak.where}), in a column that somebody allowed.",
        "look at the column again, or drop it in spora.toml and convert again.",
        Place(file=leak.file),
    )


def _kept_note(layout: Layout) -> Problem:
    return Problem(
        "W-PRIV-022",
        "the dataset holds the raw patient identifiers on purpose (keep_original_ids); this column was not searched.",
        "set keep_original_ids = false in spora.toml and convert again unless they are public already.",
        Place(file=layout.tissues_table.relative_to(layout.root).as_posix(), column=ORIGINAL_PATIENT),
    )


def _unread(file: str) -> Problem:
    return Problem(
        "E-PRIV-024",
        "this file cannot be read or decoded, so nothing is proved about it.",
        "remove it, or run the stage that writes it again.",
        Place(file=file),
    )


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "file": problem.place.file,
        "column": problem.place.column,
        "what": problem.what,
        "remedy": problem.remedy,
    }
