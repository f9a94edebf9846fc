"""Which files of a dataset a partial download needs: what is left out, the reader does not miss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spora_build.errors import Problem, UsageError
from spora_build.model.modality import MULTIPLEX_NAMES, Modality
from spora_build.store.layout import parse_resolution_folder, resolution_folder

_SHOWN = 12


@dataclass(frozen=True)
class Selection:
    """Parts of a dataset. Empty fields choose everything."""

    modalities: frozenset[Modality] = frozenset()
    mpps: frozenset[float] = frozenset()
    tissues: frozenset[str] = field(default=frozenset(), repr=False)

    def takes(self, path: str) -> bool:
        """Whether a file, by its path relative to the dataset with ``/``, is part of it.

        The tables of a chosen modality always are, and whatever has no place in the format's tree.
        """
        match path.split("/"):
            case ["ihc", marker, *rest]:
                return self._takes_modality(marker) and self._takes_in_modality(rest)
            case [name, *rest] if name in (*MULTIPLEX_NAMES, "he"):
                return self._takes_modality(name) and self._takes_in_modality(rest)
            case ["segmentations", resolution, _, *rest]:
                return self._takes_resolution(resolution) and self._takes_mask(rest[-1])
            case ["tiling", resolution, *_]:
                return self._takes_resolution(resolution)
        return True

    def _takes_modality(self, name: str) -> bool:
        return not self.modalities or any(modality.name == name for modality in self.modalities)

    def _takes_in_modality(self, rest: list[str]) -> bool:
        match rest:
            case [resolution, "images", image, *_]:
                return self._takes_resolution(resolution) and self._takes_tissue(image.removesuffix(".ome.zarr"))
            case [resolution, _, *_]:
                return self._takes_resolution(resolution)
        return True

    def _takes_resolution(self, folder: str) -> bool:
        return not self.mpps or any(resolution_folder(mpp) == folder for mpp in self.mpps)

    def _takes_mask(self, name: str) -> bool:
        return not name.endswith(".npz") or self._takes_tissue(name.removesuffix(".npz"))

    def _takes_tissue(self, tissue: str) -> bool:
        return not self.tissues or tissue in self.tissues


def choose(
    rows: Iterable[tuple[str, str]],
    paths: Iterable[str],
    *,
    modalities: Iterable[str] = (),
    mpps: Iterable[float] = (),
    tissues: Iterable[str] = (),
) -> Selection:
    """The selection that these words make of a dataset, given (tissue_id, modality) of tissues.parquet and all paths.

    With modalities, only the masks of their tissues are taken. Raises UsageError for what the dataset does not have.
    """
    pairs = set(rows)
    kinds = frozenset(_modality(text) for text in modalities)
    _refuse_absent("modality", {kind.name for kind in kinds}, {name for _, name in pairs})
    wanted = set(tissues)
    _refuse_absent("tissue", wanted, {tissue for tissue, _ in pairs})
    names = {kind.name for kind in kinds}
    chosen = {tissue for tissue, name in pairs if (not names or name in names) and (not wanted or tissue in wanted)}
    if not chosen:
        raise UsageError(Problem("E-FETCH-002", "no tissue has all of that.", "ask for fewer things at once."))
    stored = {mpp for path in paths for part in path.split("/") if (mpp := parse_resolution_folder(part)) is not None}
    sizes = frozenset(float(mpp) for mpp in mpps)
    _refuse_absent("pixel size", {f"{mpp:g}" for mpp in sizes}, {f"{mpp:g}" for mpp in stored})
    return Selection(kinds, sizes, frozenset(chosen) if names or wanted else frozenset())


def _modality(text: str) -> Modality:
    try:
        return Modality.parse(text)
    except ValueError:
        raise UsageError(
            Problem("E-FETCH-001", f"{text!r} is no modality.", "use he, imc, codex, cycif, mibi or ihc_<MARKER>.")
        ) from None


def _refuse_absent(what: str, wanted: set[str], known: set[str]) -> None:
    absent = sorted(wanted - known)
    if absent:
        more = ", …" if len(known) > _SHOWN else ""
        raise UsageError(
            Problem(
                "E-FETCH-001",
                f"the dataset has no {what} {', '.join(absent[:_SHOWN])}.",
                f"choose from: {', '.join(sorted(known)[:_SHOWN])}{more}.",
            )
        )
