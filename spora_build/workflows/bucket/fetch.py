"""``fetch``: a dataset or parts of it from a bucket; a file appears in one rename, after its checksum was right."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from spora_build.errors import EnvironmentFaultError, InvalidDataError, Place, Problem, UsageError
from spora_build.store.atomic import TEMPORARY_SUFFIX, remove, write_beside
from spora_build.store.layout import Layout
from spora_build.store.tables import read_frame
from spora_build.transfer.checksums import Digest, digest_file, format_checksums, is_inside, parse_checksums
from spora_build.transfer.listing import RemoteFile, list_files, receive
from spora_build.transfer.remote import Remote
from spora_build.workflows.bucket.fetch_selection import choose
from spora_build.workflows.bucket.megabytes import MegabyteBar, megabytes
from spora_build.workflows.running.jobs import default_workers
from spora_build.workflows.running.progress import ShowProgress, silent

PUBLIC_ENDPOINT = "https://datasets.epfl.ch/"
PUBLIC_BUCKET = "s3://spora"
"""Where the format page says that the published datasets are."""
ROUNDS = 3
"""Times that downloading is taken up again after the connection broke."""


@dataclass(frozen=True)
class Download:
    """What a fetch would do."""

    remote: Remote
    """The dataset's folder in the bucket."""
    layout: Layout
    """Where it goes."""
    files: Mapping[str, RemoteFile] = field(repr=False)
    """Everything in the bucket."""
    checksums: Mapping[str, str] = field(repr=False)
    """SHA-256 by path; empty where the dataset was published without."""
    due: tuple[str, ...] = field(repr=False)
    """What is to be downloaded, sorted, the checksum file left out."""
    manifest: str | None
    """The checksum file's path, which comes last; None where there is none."""
    lost: tuple[str, ...] = field(repr=False)
    """What the checksum file lists and the bucket does not hold."""
    kept: int
    """Files of the selection that are here already and right."""

    @property
    def bytes_due(self) -> int:
        """Bytes to download."""
        return sum(self.files[path].size for path in self.due)


def plan_download(
    remote: Remote,
    name: str,
    out: Path,
    *,
    modalities: Iterable[str] = (),
    mpps: Iterable[float] = (),
    tissues: Iterable[str] = (),
    show_progress: ShowProgress = silent,
) -> Download:
    """Compare what is asked for with what is here; nothing is written.

    Where the dataset has a checksum file, what it lists is the dataset; other objects are left alone. Raises UsageError
    for a dataset or parts that do not exist, InvalidDataError where its tables are damaged, and EnvironmentFaultError
    where the bucket is out of reach.
    """
    if not name or name.startswith(".") or not is_inside(name) or "/" in name:
        raise UsageError(_no_dataset(name))
    layout = Layout(out / name)
    source = remote.child(name)
    files = list_files(source)
    tissues_path, checksums_path = (
        path.relative_to(layout.root).as_posix() for path in (layout.tissues_table, layout.checksums)
    )
    if tissues_path not in files:
        raise UsageError(_no_dataset(name))
    with tempfile.TemporaryDirectory(prefix="spora-build-") as scratch:
        folder = Path(scratch)
        receive(source, folder, [path for path in (tissues_path, checksums_path) if path in files])
        checksums = _read_checksums(folder / checksums_path) if checksums_path in files else {}
        if not _matches(digest_file(folder / tissues_path), files[tissues_path], checksums.get(tissues_path)):
            raise InvalidDataError(_damaged(tissues_path))
        rows = _rows(read_frame(folder / tissues_path))
    parts = set(checksums or files) - {checksums_path}
    selection = choose(rows, parts, modalities=modalities, mpps=mpps, tissues=tissues)
    wanted = [path for path in sorted(parts) if selection.takes(path)]
    lost = tuple(path for path in wanted if path not in files)
    here = _find_right(layout, [path for path in wanted if path in files], files, checksums, show_progress)
    due = tuple(path for path in wanted if path in files and path not in here)
    manifest = checksums_path if checksums else None
    return Download(source, layout, files, checksums, due, manifest, lost, len(here))


def fetch(download: Download, show_progress: ShowProgress = silent) -> None:
    """Download, verify, and put each file into its place; an interrupted fetch goes on where it stopped.

    A file is verified by its SHA-256 where the dataset has a checksum file, else by its size and the store's MD5.
    Raises InvalidDataError for files that are not what they should be (all others are in place), and
    EnvironmentFaultError where the bucket is out of reach or the disk too small.
    """
    _refuse_full_disk(download)
    wrong: list[str] = []
    with show_progress(f"fetching {download.layout.name} (MB)", megabytes(download.bytes_due)) as bar:
        counter = MegabyteBar(bar, download.bytes_due)
        left = _place(download, download.due)
        counter.add(download.bytes_due - sum(download.files[path].size for path in left))
        if left:
            _receive(download, left, counter)
            wrong = _place(download, left)
        counter.reach(download.bytes_due)
    problems = [_damaged(path) for path in wrong] + [_absent(path) for path in download.lost]
    if problems:
        raise InvalidDataError(problems)
    if download.manifest is not None:
        with write_beside(download.layout.checksums) as temporary:
            temporary.write_text(format_checksums(download.checksums), encoding="utf-8", newline="\n")
    remove(_staging(download.layout))


def _receive(download: Download, paths: list[str], counter: MegabyteBar) -> None:
    staging, before = _staging(download.layout), counter.reached
    for round_left in reversed(range(ROUNDS)):
        try:
            receive(download.remote, staging, paths, lambda moved: counter.reach(before + moved))
            return
        except EnvironmentFaultError:
            if round_left == 0:
                raise
            paths = [path for path in paths if not _is_right(download, staging / path, path)]


def _place(download: Download, paths: Sequence[str]) -> list[str]:
    """Move verified files out of the staging folder and delete the others there; returns what is still missing."""
    staging, root = _staging(download.layout), download.layout.root
    left = []
    with ThreadPoolExecutor(default_workers(), "spora-build-digest") as pool:
        verdicts = pool.map(lambda path: _is_right(download, staging / path, path), paths)
        for path, right in zip(paths, verdicts, strict=True):
            if right:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (staging / path).replace(root / path)
            else:
                remove(staging / path)
                left.append(path)
    return left


def _is_right(download: Download, staged: Path, path: str) -> bool:
    if not staged.is_file() or staged.stat().st_size != download.files[path].size:
        return False
    return _matches(digest_file(staged), download.files[path], download.checksums.get(path))


def _matches(digest: Digest, file: RemoteFile, sha256: str | None) -> bool:
    if sha256 is not None:
        return digest.sha256 == sha256
    return digest.size == file.size and file.md5 in (None, digest.md5)


def _find_right(
    layout: Layout,
    wanted: list[str],
    files: Mapping[str, RemoteFile],
    checksums: Mapping[str, str],
    show_progress: ShowProgress,
) -> set[str]:
    """Files that are in their place already. What an earlier fetch verified to the end is not read again."""
    verified = _read_checksums(layout.checksums) if layout.checksums.is_file() else {}
    here = [
        path
        for path in wanted
        if (layout.root / path).is_file() and (layout.root / path).stat().st_size == files[path].size
    ]
    known = {path for path in here if path in checksums and verified.get(path) == checksums[path]}
    doubtful = [path for path in here if path not in known]
    size = sum(files[path].size for path in doubtful)
    with show_progress("checking what is here (MB)", megabytes(size)) as bar:
        counter = MegabyteBar(bar, size)
        with ThreadPoolExecutor(default_workers(), "spora-build-digest") as pool:
            for path, digest in zip(doubtful, pool.map(lambda p: digest_file(layout.root / p), doubtful), strict=True):
                if _matches(digest, files[path], checksums.get(path)):
                    known.add(path)
                counter.add(digest.size)
    return known


def _rows(table: pd.DataFrame) -> list[tuple[str, str]]:
    if not {"tissue_id", "modality"} <= set(table.columns):
        raise InvalidDataError(
            Problem(
                "E-FETCH-004",
                "tissues.parquet has no columns tissue_id and modality, so its parts cannot be told.",
                "ask whoever published the dataset.",
            )
        )
    return list(zip(table["tissue_id"].astype(str), table["modality"].astype(str), strict=True))


def _staging(layout: Layout) -> Path:
    """Beside the dataset, so that a rename suffices and a partial download never holds half a file."""
    return layout.root.with_name(f".{layout.root.name}.fetch{TEMPORARY_SUFFIX}")


def _read_checksums(path: Path) -> dict[str, str]:
    try:
        return parse_checksums(path.read_text(encoding="utf-8"))
    except ValueError:
        raise InvalidDataError(
            Problem(
                "E-FETCH-005", "the checksum file is damaged.", "delete it, or publish again.", Place(file=path.name)
            )
        ) from None


def _no_dataset(name: str) -> Problem:
    return Problem(
        "E-FETCH-003",
        "there is no dataset of this name in the bucket.",
        "check the name (`rclone lsd` lists them), or say where it is with --from s3://bucket/prefix.",
        Place(file=name),
    )


def _absent(path: str) -> Problem:
    return Problem(
        "E-FETCH-007",
        "the checksum file lists this, and the bucket does not hold it.",
        "ask whoever published the dataset to publish it again; everything else is in place.",
        Place(file=path),
    )


def _damaged(path: str) -> Problem:
    return Problem(
        "E-FETCH-006",
        "what came out of the bucket is not what was published.",
        "fetch again; if it stays so, ask whoever published the dataset.",
        Place(file=path),
    )


def _refuse_full_disk(download: Download) -> None:
    existing = next(folder for folder in download.layout.root.resolve().parents if folder.exists())
    free = shutil.disk_usage(existing).free
    if download.bytes_due > free:
        raise EnvironmentFaultError(
            Problem(
                "E-ENV-001",
                f"the files need {download.bytes_due / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB left.",
                "free some space, write elsewhere with --out, or fetch fewer parts.",
            )
        )
