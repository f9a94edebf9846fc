"""The crosswalk: which identifier has which code, append-only, in the private folder alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from spora_build.errors import InvalidDataError, Place, PrivacyError, Problem
from spora_build.model.names import tissue_id
from spora_build.privacy.crosswalk_file import CROSSWALK_FILE, Entry, parse_entries, render_entries
from spora_build.privacy.key import IdKey
from spora_build.privacy.private_files import make_private_folder, refuse_open_to_others, write_private
from spora_build.privacy.pseudonym import IdKind, IdScheme, keyed_code, normalise_raw_id, random_code, spora_code

_MOST_SPECIMENS = 10_000
_RANDOM_DRAWS = 1000


@dataclass(frozen=True)
class TissueRequest:
    """One tissue of the sheet, by its raw names."""

    patient: str = field(repr=False)
    tissue: str = field(repr=False)
    """What makes it one tissue of that patient: the sheet's ``tissue``, or its image (and series) where it has none."""
    biopsy: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class TissueCodes:
    """What a tissue is called in the dataset."""

    tissue_id: str
    patient_id: str
    specimen_id: str
    biopsy_id: str | None


@dataclass(frozen=True)
class Crosswalk:
    """Every identifier that ever got a code in one dataset, in the order they came."""

    dataset: str | None = None
    """None until the first assignment."""
    scheme: IdScheme | None = None
    key_fingerprint: str = ""
    """Fingerprint of the key that codes or hashed columns were made with; empty where none was needed yet."""
    entries: tuple[Entry, ...] = field(default=(), repr=False)

    @classmethod
    def load(cls, private: Path) -> Crosswalk:
        """Read it from the private folder; empty where there is none yet. Raises PrivacyError, InvalidDataError."""
        path = private / CROSSWALK_FILE
        if not path.exists():
            return cls()
        refuse_open_to_others(path)
        dataset, scheme, fingerprint, entries = parse_entries(path.read_bytes())
        return cls(dataset, scheme, fingerprint, entries)

    def save(self, private: Path) -> None:
        """Write it in one rename, mode 0600. Raises InvalidDataError where an entry on disk would be lost.

        Load, assign and save under one :func:`~spora_build.privacy.private_files.private_lock`.
        """
        make_private_folder(private)
        known = Crosswalk.load(private).entries
        if self.entries[: len(known)] != known:
            raise InvalidDataError(
                Problem(
                    "E-ID-030",
                    "the crosswalk on disk has entries that this build does not know.",
                    "run the command again; it starts from the crosswalk as it is now.",
                    Place(file=CROSSWALK_FILE),
                )
            )
        write_private(
            private / CROSSWALK_FILE,
            render_entries(self.dataset, self.scheme, self.key_fingerprint, self.entries),
        )

    def assign(
        self, requests: Sequence[TissueRequest], *, dataset: str, scheme: IdScheme, key: IdKey | None
    ) -> tuple[Crosswalk, tuple[TissueCodes, ...]]:
        """Codes for every request, in its order, and the crosswalk that remembers them; this one stays as it is.

        Known tissues keep their codes. A patient's new tissues get the numbers after the last one given, in the order
        of the requests. ``key`` is needed by the keyed scheme alone. Raises PrivacyError on a collision, an unusable
        identifier, or where dataset, scheme or key are not those the crosswalk was begun with.
        """
        self._refuse_change(dataset, scheme, key)
        book = _Book(scheme, key, list(self.entries))
        codes = tuple(book.codes(request, dataset) for request in requests)
        fingerprint = self.key_fingerprint if key is None else key.fingerprint
        return Crosswalk(dataset, scheme, fingerprint, tuple(book.entries)), codes

    def rotate(
        self, *, dataset: str, scheme: IdScheme, key: IdKey | None
    ) -> tuple[Crosswalk, tuple[tuple[str, str], ...]]:
        """The same tissues under another dataset name with a new key or scheme, and (old, new) tissue ids.

        Specimen numbers stay; patient and biopsy codes are made anew. Raises PrivacyError where the name is the old
        one: a dataset's ids never change under its users.
        """
        if dataset == self.dataset:
            raise PrivacyError(
                Problem(
                    "E-ID-031",
                    "ids of a dataset never change under its name.",
                    "rotate into a new dataset name; the old dataset stays as it is.",
                )
            )
        book = _Book(scheme, key, [])
        pairs: list[tuple[str, str]] = []
        for entry in self.entries:
            patient_id = book.code(IdKind.PATIENT, entry.patient, entry.patient)
            if entry.kind == "biopsy":
                book.code(IdKind.BIOPSY, entry.patient, entry.original)
            elif entry.kind == "tissue":
                book.add(replace(entry, patient_id=patient_id))
                old = tissue_id(self.dataset or "", entry.patient_id, entry.code)
                pairs.append((old, tissue_id(dataset, patient_id, entry.code)))
        fingerprint = key.fingerprint if key is not None and scheme is IdScheme.KEYED else ""
        return Crosswalk(dataset, scheme, fingerprint, tuple(book.entries)), tuple(pairs)

    def _refuse_change(self, dataset: str, scheme: IdScheme, key: IdKey | None) -> None:
        if scheme is IdScheme.KEYED and key is None:
            raise ValueError("the keyed scheme needs a key")
        if self.scheme is None:
            return
        if self.dataset != dataset:
            raise _changed("dataset name", "E-ID-032", "build beside the private folder of this very dataset")
        if self.scheme is not scheme:
            raise _changed("id scheme", "E-ID-033", f"build with --id-scheme {self.scheme}")
        if key is not None and self.key_fingerprint and key.fingerprint != self.key_fingerprint:
            raise _changed("key", "E-ID-034", "build with the key that the dataset was begun with")


class _Book:
    """The entries of a crosswalk while codes are given out."""

    def __init__(self, scheme: IdScheme, key: IdKey | None, entries: list[Entry]) -> None:
        self.scheme = scheme
        self.key = key
        self.entries: list[Entry] = []
        self._codes: dict[tuple[str, str, str], str] = {}
        self._taken: set[tuple[str, str]] = set()
        self._next: dict[str, int] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._codes[entry.kind, entry.patient, entry.original] = entry.code
        if entry.kind == "tissue":
            self._next[entry.patient] = max(self._next.get(entry.patient, 0), int(entry.code) + 1)
        else:
            self._taken.add((entry.kind, entry.code))

    def codes(self, request: TissueRequest, dataset: str) -> TissueCodes:
        patient = normalise_raw_id(request.patient, self.scheme)
        patient_id = self.code(IdKind.PATIENT, patient, patient)
        tissue = normalise_raw_id(request.tissue, IdScheme.KEYED)
        biopsy_id = None
        if request.biopsy is not None and request.biopsy.strip():
            biopsy_id = self.code(IdKind.BIOPSY, patient, normalise_raw_id(request.biopsy, self.scheme))
        specimen_id = self._specimen(patient, patient_id, tissue)
        return TissueCodes(tissue_id(dataset, patient_id, specimen_id), patient_id, specimen_id, biopsy_id)

    def code(self, kind: IdKind, patient: str, original: str) -> str:
        """The code of a patient (where ``original`` is the patient) or of one of its biopsies."""
        known = self._codes.get((kind, patient, original))
        if known is not None:
            return known
        code = self._derive(kind, original if kind is IdKind.PATIENT else f"{patient}\0{original}")
        if (kind, code) in self._taken:
            raise PrivacyError(
                Problem(
                    "E-ID-035",
                    f"two different {kind} identifiers have the same code.",
                    "build under a new dataset name with a new key, or with --id-scheme random.",
                )
            )
        patient_id = code if kind is IdKind.PATIENT else self._codes[IdKind.PATIENT, patient, patient]
        self.add(Entry(kind.value, patient, original, patient_id, code))
        return code

    def _derive(self, kind: IdKind, text: str) -> str:
        if self.scheme is IdScheme.SPORA:
            return spora_code(text, kind)
        if self.scheme is IdScheme.KEYED and self.key is not None:
            return keyed_code(self.key.secret, text, kind)
        drawn = (random_code() for _ in range(_RANDOM_DRAWS))
        return next((code for code in drawn if (kind, code) not in self._taken), random_code())

    def _specimen(self, patient: str, patient_id: str, tissue: str) -> str:
        known = self._codes.get(("tissue", patient, tissue))
        if known is not None:
            return known
        number = self._next.get(patient, 0)
        if number >= _MOST_SPECIMENS:
            raise InvalidDataError(
                Problem(
                    "E-ID-036",
                    "a patient has more than 10,000 tissues, and specimen ids have four digits.",
                    "give rows of one registered tissue the same value in the column tissue, or split the dataset.",
                    Place(file="tissues.csv", column="patient"),
                )
            )
        self.add(Entry("tissue", patient, tissue, patient_id, f"{number:04d}"))
        return f"{number:04d}"


def _changed(what: str, code: str, remedy: str) -> PrivacyError:
    return PrivacyError(
        Problem(
            code,
            f"the {what} differs from the one that this dataset's codes were made with, so they would all change.",
            f"{remedy}, or start a new dataset under another name.",
            Place(file=CROSSWALK_FILE),
        )
    )
