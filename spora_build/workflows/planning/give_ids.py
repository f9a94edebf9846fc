"""The ids of a build: which key and crosswalk they come from, and when those are written."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Place, PrivacyError, Problem
from spora_build.model.privacy_rules import Hash
from spora_build.privacy.crosswalk import Crosswalk, TissueCodes, TissueRequest
from spora_build.privacy.key import KEY_FILE, IdKey, find_key, keep_key
from spora_build.privacy.private_files import private_lock
from spora_build.privacy.pseudonym import IdScheme, near_duplicates, normalise_raw_id, scheme_warning
from spora_build.submission import Settings, Submission


class KeyMadeMeanwhileError(Exception):
    """Another build has made the dataset's key since this one looked for it: plan again with that key."""


@dataclass(frozen=True)
class Ids:
    """How the tissues of one build get their ids."""

    private: Path
    scheme: IdScheme
    key: IdKey | None
    """None where neither ids nor hashed columns need one."""
    is_new_key: bool
    """Whether the key is in memory alone so far."""
    known: Crosswalk = field(repr=False)
    """The crosswalk when the build began; empty before the first build."""
    standing: frozenset[str] = frozenset()
    """Patient ids that stand in the dataset already."""

    @property
    def secret(self) -> bytes | None:
        """What columns are hashed with."""
        return None if self.key is None else self.key.secret

    def preview(self, dataset: str, requests: Sequence[TissueRequest]) -> Sequence[TissueCodes]:
        """The codes that the tissues would get. Writes nothing."""
        return self._assign(self.known, dataset, requests)[1]

    def give(self, dataset: str, requests: Sequence[TissueRequest]) -> Sequence[TissueCodes]:
        """Codes for good: in one locked step the crosswalk is read as it is now, added to and written, with the key.

        Builds of one dataset at the same time never give one number twice. Raises PrivacyError, InvalidDataError,
        EnvironmentFaultError, and KeyMadeMeanwhileError.
        """
        grown, codes = self._assign(self.known, dataset, requests)  # refused before a folder is made
        with private_lock(self.private):
            if self.is_new_key and (self.private / KEY_FILE).exists():
                raise KeyMadeMeanwhileError
            now = Crosswalk.load(self.private)
            if now != self.known:  # another build gave ids meanwhile
                grown, codes = self._assign(now, dataset, requests)
            if self.is_new_key and self.key is not None:
                keep_key(self.private, self.key)
            grown.save(self.private)
        return codes

    def _assign(
        self, known: Crosswalk, dataset: str, requests: Sequence[TissueRequest]
    ) -> tuple[Crosswalk, Sequence[TissueCodes]]:
        grown, codes = known.assign(requests, dataset=dataset, scheme=self.scheme, key=self.key)
        if known.scheme is None and self.standing and self.standing.isdisjoint(code.patient_id for code in codes):
            raise PrivacyError(
                Problem(
                    "E-ID-039",
                    "this key and scheme give none of the patient ids that stand in the dataset: all would change.",
                    f"give the key and --id-scheme that it was built with, or {_START_ANEW}.",
                    Place(file=dataset),
                )
            )
        return grown, codes

    def problems(self, submission: Submission, *, dry_run: bool) -> list[Problem]:
        """What the contributor should know about the ids."""
        found = _respelled(self.known, self.scheme, submission)
        if (warning := scheme_warning(self.scheme)) is not None:
            found.append(warning)
        if self.standing and self.known.scheme is None:
            found.append(
                Problem(
                    "W-ID-043",
                    "the crosswalk is gone and was made anew from key and sheet: specimen numbers follow today's rows.",
                    "bring crosswalk.csv back if there is a backup; else see that no row was added or moved since.",
                    Place(file=self.private.name),
                )
            )
        if dry_run and (self.is_new_key or self.scheme is IdScheme.RANDOM):
            found.append(
                Problem(
                    "N-ID-042",
                    "the new ids of this plan are provisional: a dry run makes no key and remembers no code.",
                    "nothing; the build itself gives the ids that stay.",
                )
            )
        if submission.settings.keep_original_ids:
            found.append(
                Problem(
                    "W-PRIV-022",
                    "the dataset will hold the raw patient identifiers, in the column original_patient_id.",
                    "set keep_original_ids = false in spora.toml unless they are public already.",
                    Place(file="spora.toml", column="keep_original_ids"),
                )
            )
        return found


def open_ids(private: Path, settings: Settings, *, key_file: Path | None, standing: Collection[str] = ()) -> Ids:
    """Look for key and crosswalk; a key that is needed and not there is drawn in memory. Writes nothing.

    ``standing``: patient ids of the dataset as it is, looked up before this is called. Raises PrivacyError where they
    cannot come back because key or crosswalk are gone; PrivacyError, UsageError, InvalidDataError or
    EnvironmentFaultError where what is there cannot be used.
    """
    scheme = IdScheme(settings.id_scheme)
    known = Crosswalk.load(private)
    hashes = any(isinstance(action, Hash) for action in settings.privacy.columns.values())
    key, is_new_key = None, False
    if scheme is IdScheme.KEYED or hashes:
        key = find_key(private, key_file=key_file, environment=os.environ)
        if key is None and (known.key_fingerprint or (standing and scheme is IdScheme.KEYED)):
            raise PrivacyError(_lost(private, key_too=True))
        key, is_new_key = key or IdKey.generate(), key is None
    if standing and scheme is IdScheme.RANDOM and known.scheme is None:
        raise PrivacyError(_lost(private, key_too=False))
    return Ids(private, scheme, key, is_new_key, known, frozenset(standing))


_START_ANEW = "for new ids on purpose take another --name, or remove the old dataset first"


def _lost(private: Path, *, key_too: bool) -> Problem:
    what = "key" if key_too else "crosswalk"
    return Problem(
        "E-ID-038",
        f"the dataset was begun before, and its {what} is not in the private folder: all ids would change.",
        f"bring {private.name} back from where the dataset was built or from a backup"
        + (", or give the key with --id-key-file" if key_too else "")
        + f"; {_START_ANEW}.",
        Place(file=private.name),
    )


def _respelled(known: Crosswalk, scheme: IdScheme, submission: Submission) -> list[Problem]:
    """New patients whose identifier differs from one of an earlier build in spelling alone; never the identifier."""
    before = {entry.original for entry in known.entries if entry.kind == "patient"}
    rows: dict[str, int] = {}
    for image in submission.images:
        rows.setdefault(normalise_raw_id(image.patient, scheme), image.row)
    gone, new = sorted(before - rows.keys()), [patient for patient in rows if patient not in before]
    groups = near_duplicates([*gone, *new])
    return [
        Problem(
            "W-ID-041",
            "this patient is new, but an earlier build had one whose identifier differs in spelling alone.",
            "if it is the same person, spell it as crosswalk.csv in the private folder does: it would have two ids.",
            Place(file="tissues.csv", row=rows[new[place - len(gone)]], column="patient"),
        )
        for group in groups
        if group[0] < len(gone)
        for place in group
        if place >= len(gone)
    ]
