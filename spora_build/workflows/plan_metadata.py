"""Clinical and sheet columns on their way into tissues.parquet: through the privacy gate, then typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spora_build.errors import Problem
from spora_build.submission import ImageRow, Submission
from spora_build.submission.infer import Scalar, infer_column

ORIGINAL_PATIENT = "original_patient_id"


@dataclass(frozen=True)
class CohortMetadata:
    """Typed columns by sheet row; nothing that the gate has not let through."""

    rows: Mapping[int, Mapping[str, Scalar]] = field(repr=False)
    """Row of tissues.csv to its columns; every row has the same columns."""
    problems: tuple[Problem, ...]
    """Findings of the gate."""

    def of_image(self, row: ImageRow) -> Mapping[str, Scalar]:
        """Columns of one image."""
        return self.rows[row.row]


def plan_metadata(submission: Submission, secret: bytes | None) -> CohortMetadata:
    """Clinical columns joined to the images, then the sheet's own; a column of both is the sheet's."""
    images = submission.images
    texts: dict[str, list[str | None]] = {}
    problems: list[Problem] = []
    if submission.clinical is not None:
        clinical = submission.clinical
        columns = {name: [clinical.of(image)[name] for image in images] for name in clinical.columns}
        texts |= columns
    names = list(images[0].metadata) if images else []
    texts |= {name: [image.metadata[name] for image in images] for name in names}
    if submission.settings.keep_original_ids:
        texts[ORIGINAL_PATIENT] = [image.patient for image in images]
    typed = {name: infer_column(values) for name, values in texts.items()}
    rows = {image.row: {name: values[at] for name, values in typed.items()} for at, image in enumerate(images)}
    return CohortMetadata(rows, tuple(problems))
