"""The output folder of MCMICRO: which of its images are tissues, and where its tables of cells are."""

from __future__ import annotations

from pathlib import Path

from spora_build.errors import Place, Problem

_BEFORE = frozenset(("raw", "illumination", "background", "probability-maps", "qc"))
"""Steps on the way to the registered image: single cycles, corrections, checks."""
_TIFF = (".tif", ".tiff")
_PATTERNS = ("quantification/*.csv", "*/quantification/*.csv")


def passed_over(folder: Path) -> frozenset[str]:
    """Subfolders that hold no image of a tissue; none where the folder is no output of MCMICRO.

    The image is in ``registration``, or of a tissue microarray, core by core, in ``dearray``.
    """
    if not _has_images(folder / "registration"):
        return frozenset()
    return _BEFORE | {"registration"} if _has_images(folder / "dearray") else _BEFORE


def passed_over_note(folder: Path, root: Path) -> Problem:
    """What is told about such a folder."""
    names = ", ".join(sorted(name for name in passed_over(folder) if (folder / name).is_dir()))
    what = f"an output folder of MCMICRO: the registered images are taken, {names} passed over."
    remedy = "nothing, or list another of its images instead."
    return Problem("N-INIT-036", what, remedy, Place(file=folder.relative_to(root).as_posix()))


def cell_tables_note(root: Path) -> Problem | None:
    """Where tables of cells lie that nothing names yet."""
    if any((root / f"cells{ending}").exists() for ending in (".csv", ".tsv", ".parquet")):
        return None
    pattern = next((pattern for pattern in _PATTERNS if any(root.glob(pattern))), None)
    if pattern is None:
        return None
    what = f"tables of cells are in {pattern}."
    remedy = f'write table = "{pattern}" under [cells] in spora.toml to take them into the dataset.'
    return Problem("N-INIT-037", what, remedy, Place(file="spora.toml"))


def _has_images(folder: Path) -> bool:
    return folder.is_dir() and any(entry.name.lower().endswith(_TIFF) for entry in folder.iterdir())
