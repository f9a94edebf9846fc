"""Every acquisition below a raw folder, as headers describe it; masks and copies not yet told apart."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from spora_build.errors import Place, Problem, Severity
from spora_build.nomenclature.proposal import Kind
from spora_build.nomenclature.propose import propose
from spora_build.readers import find_reader, foreign_problem, tiff_folder
from spora_build.workflows.drafting import mcmicro
from spora_build.workflows.drafting.inspect import InspectedFile, InspectedRoi, inspect
from spora_build.workflows.drafting.label_patches import look_at_patches

HEADER_THREADS = 8
_IMAGE_SUFFIX = re.compile(r"(\.ome)?\.[A-Za-z][A-Za-z0-9]{1,8}$", re.IGNORECASE)
_NUMBERED_CHANNEL = re.compile(r"(channel|chan|ch|c)[\s_-]*[0-9]+", re.IGNORECASE)
MASK_WORDS = frozenset((
    "mask", "masks", "label", "labels", "labeled", "labelled", "seg", "segmentation", "segmentations", "segmented",
    "instance", "instances", "cellmask", "cellmasks", "deepcell", "cellpose", "mesmer", "stardist", "ilastik",
    "unmicst", "s3seg", "s3segmenter",
))  # fmt: skip
_CHANNEL_SHARE = 1 / 3


@dataclass(frozen=True)
class Acquisition:
    """One acquisition and the files that hold it."""

    file: str
    """Relative to the raw folder, with ``/``: the file that is taken."""
    path: Path = field(repr=False)
    roi: InspectedRoi
    is_alone: bool
    """Whether the file holds no other acquisition."""
    copies: tuple[str, ...] = ()
    """Other files that hold the same."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.roi.shape[1:]

    @property
    def channel_count(self) -> int:
        """Number of channels; 3 for pictures in colour."""
        return self.roi.shape[0]

    @property
    def names(self) -> frozenset[str]:
        """What masks, text files and tables may call it."""
        names = {stem(copy) for copy in self.copies}
        if self.is_alone:
            return frozenset({stem(self.file), *names})
        return frozenset({f"{stem(self.file)}_{self.roi.name or self.roi.series}", *names})


def find_acquisitions(root: Path) -> tuple[list[Acquisition], list[Problem]]:
    """Every acquisition below ``root``, by file name, and what is wrong with the files that hold none.

    Datasets that spora-build made, hidden files and tables are passed over.
    """
    problems: list[Problem] = []
    with ThreadPoolExecutor(HEADER_THREADS) as pool:
        files = list(pool.map(lambda path: _inspect(path, root), _candidates(root, root, problems)))
    found: list[Acquisition] = []
    for path, file in files:
        problems += file.problems
        for roi in file.rois:
            faults = [p for p in roi.problems if p.severity is Severity.ERROR and not p.code.startswith("E-MPP")]
            problems += faults
            if not faults:
                found.append(Acquisition(file.file, path, roi, is_alone=len(file.rois) == 1))
    return found, problems


def stem(file: str) -> str:
    """Name of a file or folder without the ending of an image: ``core_1`` of ``imc/core_1.ome.tiff``."""
    return _IMAGE_SUFFIX.sub("", PurePosixPath(file).name)


def words(text: str) -> tuple[str, ...]:
    """The words of a name in lower case: ``("core", "1", "cell", "mask")`` of ``core-1_CellMask``."""
    spaced = re.sub(r"([a-z0-9])([A-Z][a-z])", r"\1 \2", text.replace("&", "and"))
    return tuple(re.findall(r"[^\W_]+", spaced.lower()))


def _inspect(path: Path, root: Path) -> tuple[Path, InspectedFile]:
    name = path.relative_to(root).as_posix()
    (file,) = inspect(path)
    return path, replace(
        file,
        file=name,
        rois=tuple(replace(roi, problems=_at(roi.problems, name)) for roi in file.rois),
        problems=_at(file.problems, name),
    )


def _at(problems: Sequence[Problem], name: str) -> tuple[Problem, ...]:
    return tuple(replace(problem, place=Place(file=name)) for problem in problems)


def _candidates(folder: Path, root: Path, notes: list[Problem]) -> Iterator[Path]:
    """Files and folders that a reader takes or that are of a known format, in the order of their names."""
    passed = mcmicro.passed_over(folder)
    if any((folder / name).is_dir() for name in passed):
        notes.append(mcmicro.passed_over_note(folder, root))
    for entry in sorted(folder.iterdir(), key=_natural):
        if entry.name.startswith(".") or (entry.name in passed and entry.is_dir()):
            continue
        if entry.is_dir():
            if _is_ours(entry):
                continue
            reader = find_reader(entry)
            if reader is not None and (reader is not tiff_folder or is_field_of_view(entry)):
                yield entry
                yield from tiff_folder.mask_files(entry) if reader is tiff_folder else ()
            elif not entry.name.lower().endswith(".zarr"):
                yield from _candidates(entry, root, notes)
        elif entry.is_file() and (find_reader(entry) is not None or foreign_problem(entry) is not None):
            yield entry


_OURS = ("tissues.parquet", "channels.parquet")


def _is_ours(folder: Path) -> bool:
    return folder.name.endswith(".private") or any((folder / name).is_file() for name in _OURS)


def is_field_of_view(folder: Path) -> bool:
    """Whether the TIFF files of a folder are the channels of one image, not images of several tissues.

    They are where a third of their names mean a marker or number a channel. Else they are where a folder beside it that
    reads the same way has the same names, and the first file holds no labels. Never where the folder's name says masks.
    """
    if MASK_WORDS & set(words(folder.name)):
        return False
    files = tiff_folder.channel_files(folder)
    names = [tiff_folder.channel_name(file) for file in files]
    telling = [n for n in names if _NUMBERED_CHANNEL.fullmatch(n) or propose(n).kind is not Kind.UNKNOWN]
    if len(telling) >= _CHANNEL_SHARE * len(names):
        return True
    own = {name.casefold() for name in names}
    alike = (o for o in folder.parent.iterdir() if o.is_dir() and o != folder and own == _tiff_names(o))
    if not any(tiff_folder.can_read(other) for other in alike):
        return False
    patches = look_at_patches(files[0])
    return patches is None or not (patches.are_labels or patches.is_binary)


def _tiff_names(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        files = [entry.name for entry in entries if entry.name.lower().endswith((".tif", ".tiff"))]
    return {tiff_folder.channel_name(Path(name)).casefold() for name in files}


def _natural(path: Path) -> tuple[tuple[int | str, ...], str]:
    """``core_2`` before ``core_10``."""
    parts = re.split(r"([0-9]+)", path.name.casefold())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), path.name
