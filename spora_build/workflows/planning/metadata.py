"""Clinical and sheet columns on their way into tissues.parquet: through the privacy gate, then typed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spora_build.errors import Place, Problem
from spora_build.model.privacy_rules import Privacy
from spora_build.privacy.apply_rules import apply_rules
from spora_build.privacy.certain_ids import certain_ids
from spora_build.privacy.column import Column
from spora_build.privacy.detectors import contacts, dates, hidden_ids, network, person_names
from spora_build.privacy.tokens import TokenSet, file_texts, sheet_tokens
from spora_build.privacy.withheld import withheld_tokens, withheld_values
from spora_build.submission import ImageRow, Submission
from spora_build.submission.clinical import ClinicalTable, key_value
from spora_build.submission.infer import Scalar, infer_column

ORIGINAL_PATIENT = "original_patient_id"
_OF_CHANNELS = (contacts.find, network.find, person_names.find, dates.find)
_SIGN = re.compile(r"[^\w-]|_")
"""What the name of a marker alone seldom has."""
Texts = dict[str, list[str | None]]


@dataclass(frozen=True)
class CohortMetadata:
    """Typed columns by sheet row; nothing that the gate has not let through."""

    rows: Mapping[int, Mapping[str, Scalar]] = field(repr=False)
    """Row of tissues.csv to its columns; every row has the same columns."""
    problems: tuple[Problem, ...]
    """Findings of the gate."""
    withheld: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """By ``table.column``, values that were kept out and are looked for in the finished dataset."""

    def of_image(self, row: ImageRow) -> Mapping[str, Scalar]:
        """Columns of one image."""
        return self.rows[row.row]


def plan_metadata(
    submission: Submission,
    secret: bytes | None,
    channels: Mapping[str, Collection[str]] | None = None,
    dataset: str = "",
) -> CohortMetadata:
    """Clinical columns joined to the images, then the sheet's own; a column of both is the sheet's.

    ``secret`` is the key that hashed columns need. ``channels`` are the texts about channels that will be written, by
    the sheet they belong to: they pass the gate too, and so do the names of ``dataset`` and modalities.
    """
    images = submission.images
    rules = submission.settings.privacy
    gate = _Gate(rules, raw_ids(submission), gate_tokens(submission), secret)
    gate.look_at_names(dataset, {image.modality.name for image in images})
    for file, texts_of_channels in (channels or {}).items():
        gate.look_at_channels(file, texts_of_channels)
    texts: Texts = _clinical(submission, gate)
    sheet = _sheet_columns(submission)
    texts |= gate.let_through("tissues", sheet, [image.patient or f"row {image.row}" for image in images])
    if submission.settings.keep_original_ids:
        texts[ORIGINAL_PATIENT] = [image.patient for image in images]
    typed = {name: infer_column(values) for name, values in texts.items()}
    if ORIGINAL_PATIENT in texts:
        typed[ORIGINAL_PATIENT] = list(texts[ORIGINAL_PATIENT])
    rows = {image.row: {name: values[at] for name, values in typed.items()} for at, image in enumerate(images)}
    return CohortMetadata(rows, tuple(gate.problems), withheld_from(submission))


def raw_ids(submission: Submission) -> frozenset[str]:
    """Every raw identifier of a submission: patients, tissues, biopsies, images and masks with and without folder."""
    images = submission.images
    texts = [text for image in images for text in (image.patient, image.tissue, image.biopsy, image.image)]
    telling = [name for name in file_names(submission) if re.search(r"[\d\W_]", name.split(".")[0])]
    return frozenset(text for text in (*texts, *telling) if text)


def withheld_from(submission: Submission) -> dict[str, frozenset[str]]:
    """Telling values of the columns of tissues and patients that somebody decided to drop or to hash."""
    rules = submission.settings.privacy
    found = dict(withheld_values("tissues", _sheet_columns(submission), rules))
    if submission.clinical is not None:
        found |= withheld_values("clinical", _clinical_columns(submission.clinical), rules)
    return found


def gate_tokens(submission: Submission) -> TokenSet:
    """What ``privacy-check`` would take for a certain leak: what it finds, the gate finds before."""
    images = submission.images
    tissues = [text for image in images for text in (image.tissue, image.image) if text]
    tokens = sheet_tokens(
        (image.patient for image in images if image.patient),
        (image.biopsy for image in images if image.biopsy),
        (text for name in {*tissues, *file_names(submission)} for text in file_texts(name)),
    )
    certain = [token for token in tokens if token.is_certain]
    return TokenSet([*withheld_tokens(withheld_from(submission)), *certain])


def file_names(submission: Submission) -> list[str]:
    """Names of the images and masks of a submission, without folders."""
    images = submission.images
    return [path.name for image in images for path in (image.path, image.cell_mask, image.tissue_mask) if path]


@dataclass
class _Gate:
    """The privacy gate over several tables, and what it found."""

    rules: Privacy
    ids: frozenset[str] = field(repr=False)
    tokens: TokenSet = field(repr=False)
    secret: bytes | None = field(repr=False)
    problems: list[Problem] = field(default_factory=list)

    def let_through(
        self, table: str, columns: Mapping[str, Sequence[str | None]], patients: Sequence[str] | None
    ) -> Texts:
        kept, findings = apply_rules(
            table, columns, self.rules, raw_ids=self.ids, patients=patients, secret=self.secret
        )
        told = {finding.column for finding in findings if finding.code == hidden_ids.CODE}
        more = certain_ids(table, kept, self.rules, self.tokens)
        findings += tuple(finding for finding in more if finding.column not in told)
        found = [finding.problem() for finding in findings]
        self.problems += [replace(p, place=replace(p.place, file=f"{table}.csv")) for p in found]
        return kept

    def look_at_names(self, dataset: str, modalities: Collection[str]) -> None:
        """Names of folders with an identifier in them; the name itself is not shown."""
        places = [Place(file="tissues.csv", column="modality") for name in modalities if self.tokens.in_text(name)]
        if self.tokens.in_text(dataset):
            places.append(Place(column="name"))
        self.problems += [
            Problem(
                hidden_ids.CODE,
                "this name of a folder of the dataset holds a raw identifier of this submission.",
                "take another name.",
                place,
            )
            for place in places
        ]

    def look_at_channels(self, file: str, texts: Collection[str]) -> None:
        """Channel names and descriptions with an identifier in them; the text itself is not shown."""
        count = sum(1 for text in set(texts) if self.tokens.in_text(text))
        if count:
            self.problems.append(
                Problem(
                    hidden_ids.CODE,
                    f"{count} names or descriptions of channels hold a raw identifier of this submission.",
                    f"give those channels other names in the columns marker and channel of {file}.",
                    Place(file=file),
                )
            )
        several_words = Column.of("panel", "channel_name", [text for text in set(texts) if _SIGN.search(text)])
        hits = [hit for find in _OF_CHANNELS if (hit := find(several_words)) is not None]
        self.problems += [
            Problem(
                hit.code,
                f"names or descriptions of channels say more than a marker: the list {hit.reason} ({hit.rows}).",
                f"give those channels other names in the columns marker and channel of {file}.",
                Place(file=file),
            )
            for hit in hits
        ]


def _clinical(submission: Submission, gate: _Gate) -> Texts:
    clinical = submission.clinical
    if clinical is None:
        return {}
    columns = _clinical_columns(clinical)
    kept = gate.let_through("clinical", columns, list(clinical.rows) if clinical.key == "patient" else None)
    position = {key: at for at, key in enumerate(clinical.rows)}
    keys = [key_value(image, clinical.key) for image in submission.images]
    return {name: [values[position[key]] if key in position else None for key in keys] for name, values in kept.items()}


def _sheet_columns(submission: Submission) -> dict[str, list[str | None]]:
    images = submission.images
    return {name: [image.metadata[name] for image in images] for name in (images[0].metadata if images else ())}


def _clinical_columns(clinical: ClinicalTable) -> dict[str, list[str | None]]:
    return {name: [row[name] for row in clinical.rows.values()] for name in clinical.columns}
