"""``publish``: a dataset into a bucket: checked, sent, verified; a second time only what changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, InvalidDataError, Place, PrivacyError, Problem, Severity
from spora_build.store.atomic import write_beside
from spora_build.store.layout import Layout
from spora_build.transfer.checksums import Digest, digest_file, format_checksums
from spora_build.transfer.listing import Difference, RemoteFile, compare, delete, list_files, read_back, send
from spora_build.transfer.remote import Remote
from spora_build.workflows.bucket.local_files import digest_files, find_files
from spora_build.workflows.bucket.megabytes import MegabyteBar, megabytes
from spora_build.workflows.checking.privacy_check import privacy_check
from spora_build.workflows.checking.validate import validate
from spora_build.workflows.running.jobs import default_workers
from spora_build.workflows.running.progress import ShowProgress, silent

ROUNDS = 3
"""Times that sending is taken up again after the connection broke."""
FILES_AT_ONCE = 500
_SHOWN_CODES = 5


@dataclass(frozen=True)
class Publication:
    """What a publish would do."""

    layout: Layout
    remote: Remote
    """The dataset's folder in the bucket."""
    digests: Mapping[str, Digest] = field(repr=False)
    """Every file by path, the checksum file left out."""
    difference: Difference = field(repr=False)
    there: Mapping[str, RemoteFile] = field(repr=False)
    """What lies in the bucket."""

    @property
    def bytes_due(self) -> int:
        """Bytes to send."""
        return sum(self.digests[path].size for path in self.difference.due)

    @property
    def total_bytes(self) -> int:
        """Bytes of the whole dataset."""
        return sum(digest.size for digest in self.digests.values())


def check_fit(layout: Layout, *, private: Path | None = None, show_progress: ShowProgress = silent) -> None:
    """Refuse a dataset that breaks the format (InvalidDataError) or may identify a patient (PrivacyError)."""
    broken = [f for f in validate(layout.root).findings if f.severity is Severity.ERROR]
    if broken:
        more = f" and {len(broken) - _SHOWN_CODES} more" if len(broken) > _SHOWN_CODES else ""
        raise InvalidDataError(
            Problem(
                "E-PUB-001",
                f"the dataset breaks the format: {', '.join(f.code for f in broken[:_SHOWN_CODES])}{more}.",
                "run `spora-build validate`, mend what it names, and publish again.",
            )
        )
    report = privacy_check(layout, private=private, show_progress=show_progress)
    errors = [problem for problem in report.problems if problem.severity is Severity.ERROR]
    if errors:
        raise PrivacyError(errors)


def plan_publication(layout: Layout, remote: Remote, show_progress: ShowProgress = silent) -> Publication:
    """Checksums of every file, compared with what lies in the bucket below the dataset's name. Writes nothing there."""
    paths = find_files(layout)
    size = sum((layout.root / path).stat().st_size for path in paths)
    with show_progress("checksums (MB)", megabytes(size)) as bar:
        counter = MegabyteBar(bar, size)
        digests = digest_files(layout, paths, threads=default_workers(), on_bytes=counter.add)
        counter.reach(size)
    target = remote.child(layout.name)
    there = list_files(target)
    manifest = _manifest_name(layout)
    others = {path: file for path, file in there.items() if path != manifest}
    return Publication(layout, target, digests, compare(digests, others), there)


def publish(
    publication: Publication,
    *,
    delete_removed: bool = False,
    every_byte: bool = False,
    show_progress: ShowProgress = silent,
) -> None:
    """Send what is due, verify everything, and last of all the checksum file: where it lies, a publish was complete.

    Tables follow the images they speak of. Objects that are gone here are deleted only with ``delete_removed``.
    Verified is size and MD5 as the store tells them, and the SHA-256 of downloaded bytes where it tells no MD5, or of
    all objects with ``every_byte``. Raises EnvironmentFaultError where sending fails and InvalidDataError where an
    object is not what was sent.
    """
    layout, remote, digests = publication.layout, publication.remote, publication.digests
    tables = layout.metadata.name + "/"
    with show_progress(f"sending {layout.name} (MB)", megabytes(publication.bytes_due)) as bar:
        counter = MegabyteBar(bar, publication.bytes_due)
        _send_all(publication, [p for p in publication.difference.due if not p.startswith(tables)], counter)
        _send_all(publication, [p for p in publication.difference.due if p.startswith(tables)], counter)
    if delete_removed and publication.difference.removed:
        delete(remote, publication.difference.removed)
    wrong = find_wrong(remote, digests, every_byte=every_byte, show_progress=show_progress)
    if wrong:
        raise InvalidDataError(_wrong(path) for path in wrong)
    _send_manifest(publication)


def find_wrong(
    remote: Remote,
    digests: Mapping[str, Digest],
    *,
    every_byte: bool = False,
    show_progress: ShowProgress = silent,
) -> list[str]:
    """Paths of objects that are absent or not what their checksums say, sorted."""
    difference = compare(digests, list_files(remote))
    doubtful = list(difference.changed) + (list(difference.same) if every_byte else [])
    wrong = set(difference.new)
    with show_progress("reading back", len(doubtful)) as bar:
        for batch in _batches(doubtful):
            back = read_back(remote, batch)
            wrong |= {path for path in batch if back.get(path) != digests[path].sha256}
            for _ in batch:
                bar.advance()
    return sorted(wrong)


def _batches(paths: list[str]) -> list[list[str]]:
    return [paths[at : at + FILES_AT_ONCE] for at in range(0, len(paths), FILES_AT_ONCE)]


def _send_all(publication: Publication, paths: list[str], counter: MegabyteBar) -> None:
    """Send files; after a break, list the bucket and go on with what has not arrived."""
    due: Collection[str] = paths
    before = counter.reached
    for left in reversed(range(ROUNDS)):
        if not due:
            break
        try:
            send(publication.layout.root, publication.remote, due, lambda moved: counter.reach(before + moved))
            break
        except EnvironmentFaultError:
            if left == 0:
                raise
            there = list_files(publication.remote)
            due = compare({path: publication.digests[path] for path in due}, there).due
    counter.reach(before + sum(publication.digests[path].size for path in paths))


def _send_manifest(publication: Publication) -> None:
    layout, name = publication.layout, _manifest_name(publication.layout)
    text = format_checksums({path: digest.sha256 for path, digest in publication.digests.items()})
    if not layout.checksums.is_file() or layout.checksums.read_text(encoding="utf-8") != text:
        with write_beside(layout.checksums) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    digest = {name: digest_file(layout.checksums)}
    if compare(digest, {p: f for p, f in publication.there.items() if p == name}).due:
        send(layout.root, publication.remote, [name])
    if compare(digest, list_files(publication.remote)).due and read_back(publication.remote, [name]) != {
        name: digest[name].sha256
    }:
        raise InvalidDataError(_wrong(name))


def _manifest_name(layout: Layout) -> str:
    return layout.checksums.relative_to(layout.root).as_posix()


def _wrong(path: str) -> Problem:
    return Problem(
        "E-PUB-002",
        "what lies in the bucket is not what was sent, or the file was changed while it was sent.",
        "publish again; if it stays so, ask whoever runs the bucket.",
        Place(file=path),
    )
