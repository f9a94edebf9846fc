"""Plan a conversion: sheets and headers in, a plan or every problem at once out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from spora_build.errors import InvalidDataError, Place, PrivacyError, Problem, Severity, SporaBuildError, UsageError
from spora_build.model.channel import Panel
from spora_build.model.modality import Modality
from spora_build.model.names import is_dataset_name
from spora_build.privacy.crosswalk import TissueCodes, TissueRequest
from spora_build.submission import ImageRow, Submission
from spora_build.workflows.planning.cells import plan_cells
from spora_build.workflows.planning.channels import panel_channel, panels_that_load_nothing, unlisted_channel
from spora_build.workflows.planning.cohort import cohort_problems
from spora_build.workflows.planning.images import ImageFacts
from spora_build.workflows.planning.metadata import CohortMetadata, plan_metadata
from spora_build.workflows.planning.outputs import NativeGrid, requested_mpps, shared_outputs
from spora_build.workflows.planning.plan import Plan, PlannedImage, PlannedOutput, PlannedTissue
from spora_build.workflows.planning.read_headers import TISSUES_FILE, read_headers
from spora_build.workflows.running.collector import no_search_for_cycles

DEFAULT_MPP = ("native", 1.0)

Assign = Callable[[Sequence[TissueRequest]], Sequence[TissueCodes]]


def make_plan(submission: Submission, dataset: str, assign: Assign, secret: bytes | None, workers: int = 1) -> Plan:
    """The plan of a whole conversion. ``dataset`` is empty where nobody has named it, which is one problem more.

    ``assign`` gives the codes of the tissues (see :meth:`Crosswalk.assign`); it is asked once, last, and only when
    nothing else is wrong. ``secret`` is the key for columns to be hashed. So many ``workers`` read the headers. Raises
    the most serious of PrivacyError, InvalidDataError and UsageError with **all** problems found.
    """
    facts, unreadable = _read_all_facts(submission, workers)
    problems = [*_name_problems(dataset), *submission.problems, *unreadable]
    with no_search_for_cycles():
        return _plan(submission, dataset, assign, secret, facts, problems)


def _plan(
    submission: Submission,
    dataset: str,
    assign: Assign,
    secret: bytes | None,
    facts: Sequence[ImageFacts],
    problems: list[Problem],
) -> Plan:
    """The plan of readable images; ``problems`` are those found so far."""
    problems += [problem for fact in facts for problem in fact.problems]
    problems += cohort_problems(submission, facts)
    metadata = plan_metadata(submission, secret, _channel_texts(submission, facts), dataset)
    cells = plan_cells(submission, secret)
    problems += cells.notes
    metadata = replace(metadata, problems=(*metadata.problems, *cells.problems))
    problems += metadata.problems
    groups = _tissue_groups(facts)
    outputs: dict[int, tuple[PlannedOutput, ...]] = {}
    for group in groups.values():
        made, more = _outputs(submission, group)
        outputs |= made
        problems += more
    _stop_on_errors(problems, metadata)
    try:
        codes = assign([_request(key, group[0].row) for key, group in groups.items()])
    except SporaBuildError as error:
        raise type(error)([*error.problems, *problems]) from None
    panels = _panels(submission, facts)
    problems += panels_that_load_nothing(panels.values())
    build = _TissueBuilder(panels, outputs, metadata, multimodal=len({fact.row.modality for fact in facts}) > 1)
    tissues = tuple(build.tissue(code, group) for code, group in zip(codes, groups.values(), strict=True))
    told = tuple(problem for problem in problems if problem.severity is not Severity.ERROR)
    return Plan(dataset, tissues, panels, told, cells, metadata.withheld)


def _name_problems(dataset: str) -> list[Problem]:
    if is_dataset_name(dataset):
        return []
    if not dataset:
        return [
            Problem(
                "E-NAME-002",
                "the dataset has no name yet.",
                "give --name, such as --name smith2023novel, or set name in spora.toml.",
            )
        ]
    return [
        Problem(
            "E-NAME-001",
            f"{dataset!r} is no dataset name.",
            "use the first author's last name, the year and the first word of the title, in lower-case letters"
            " and digits without separators, such as smith2023novel.",
            Place(column="name", value=dataset),
        )
    ]


def _read_all_facts(submission: Submission, workers: int) -> tuple[list[ImageFacts], list[Problem]]:
    results = read_headers(submission, workers)
    facts = [result for result in results if isinstance(result, ImageFacts)]
    return facts, [problem for result in results if isinstance(result, tuple) for problem in result]


def _channel_texts(submission: Submission, facts: Sequence[ImageFacts]) -> dict[str, list[str]]:
    """What will be written about channels, by panel: names of the dataset, of the raw files, descriptions."""
    texts: dict[str, list[str]] = defaultdict(list)
    for fact in facts:
        modality = fact.row.modality
        if modality.is_multiplex:
            texts[getattr(submission.panels.get(modality), "file", f"panel_{modality}.csv")] += fact.channel_names
    for sheet in submission.panels.values():
        for row in sheet.rows:
            texts[sheet.file] += [row.marker, row.channel, row.description] if row.keep else []
    return texts


def _tissue_groups(facts: Sequence[ImageFacts]) -> dict[tuple[str, str], list[ImageFacts]]:
    """Images by (patient, what makes them one tissue), in the sheet's order."""
    groups: dict[tuple[str, str], list[ImageFacts]] = defaultdict(list)
    for fact in facts:
        row = fact.row
        own = row.image if row.series is None else f"{row.image}#{row.series}"
        groups[row.patient, row.tissue if row.tissue is not None else own].append(fact)
    return groups


def _outputs(
    submission: Submission, group: Sequence[ImageFacts]
) -> tuple[dict[int, tuple[PlannedOutput, ...]], list[Problem]]:
    """Outputs by sheet row for the images of one tissue."""
    settings = submission.settings
    explicit = tuple(settings.mpp) != DEFAULT_MPP
    problems: list[Problem] = []
    grids, wanted = [], {}
    known = [fact for fact in group if fact.pixel_size is not None]
    for fact in known:
        if fact.pixel_size is None:
            continue
        mpps, more = requested_mpps(
            settings.mpp,
            fact.pixel_size.mpp,
            allow_upsampling=settings.allow_upsampling,
            explicit=explicit,
            place=Place(file=fact.row.image),
        )
        problems += more
        grids.append(NativeGrid(fact.row.modality, fact.size, fact.pixel_size.mpp))
        wanted[fact.row.modality] = mpps
    if not grids:
        return {}, problems
    shared, more = shared_outputs(grids, wanted, Place(file=TISSUES_FILE, row=group[0].row.row))
    return {fact.row.row: shared[fact.row.modality] for fact in known}, problems + list(more)


def _stop_on_errors(problems: Sequence[Problem], metadata: CohortMetadata) -> None:
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not errors:
        return
    private = set(metadata.problems)
    if all(problem in private for problem in errors):
        raise PrivacyError(problems)
    if all(problem.code.startswith("E-NAME-") for problem in errors):
        raise UsageError(problems)
    raise InvalidDataError(problems)


def _request(key: tuple[str, str], row: ImageRow) -> TissueRequest:
    return TissueRequest(patient=key[0], tissue=key[1], biopsy=row.biopsy)


@dataclass(frozen=True)
class _TissueBuilder:
    """What every tissue of a plan has in common."""

    panels: Mapping[Modality, Panel]
    outputs: Mapping[int, tuple[PlannedOutput, ...]]
    metadata: CohortMetadata
    multimodal: bool

    def tissue(self, codes: TissueCodes, group: Sequence[ImageFacts]) -> PlannedTissue:
        rows = [fact.row for fact in group]
        return PlannedTissue(
            tissue_id=codes.tissue_id,
            patient_id=codes.patient_id,
            specimen_id=codes.specimen_id,
            biopsy_id=codes.biopsy_id,
            alignment=self._alignment(rows),
            split=next((row.split for row in rows if row.split is not None), None),
            images=tuple(self._image(fact) for fact in group),
            cell_mask=next((row.cell_mask for row in rows if row.cell_mask is not None), None),
            tissue_mask=next((row.tissue_mask for row in rows if row.tissue_mask is not None), None),
            cell_mask_image=next((at for at, row in enumerate(rows) if row.cell_mask is not None), 0),
            cell_mask_mpp=next((row.cell_mask_mpp for row in rows if row.cell_mask is not None), None),
            sheet_tissue=rows[0].tissue,
            metadata={row.modality: self.metadata.of_image(row) for row in rows},
        )

    def _alignment(self, rows: Sequence[ImageRow]) -> str | None:
        if not self.multimodal:
            return None
        told = next((row.alignment for row in rows if row.alignment is not None), None)
        return told or ("exact" if len(rows) > 1 else "no alignment")

    def _image(self, fact: ImageFacts) -> PlannedImage:
        if fact.pixel_size is None:
            raise ValueError("an image without pixel size stops the plan before")
        pairs = list(zip(fact.channels, fact.channel_names, strict=True))
        panel = self.panels.get(fact.row.modality)
        if panel is not None:
            order = {name: position for position, name in enumerate(panel.names)}
            pairs.sort(key=lambda pair: order[pair[1]])
        return PlannedImage(
            row=fact.row.row,
            path=fact.row.path,
            shown_name=fact.row.image,
            series=fact.series,
            modality=fact.row.modality,
            pixel_size=fact.pixel_size,
            size=fact.size,
            dtype=fact.dtype,
            channels=tuple(index for index, _ in pairs),
            channel_names=tuple(name for _, name in pairs),
            outputs=self.outputs[fact.row.row],
        )


def _panels(submission: Submission, facts: Sequence[ImageFacts]) -> dict[Modality, Panel]:
    panels: dict[Modality, Panel] = {}
    for modality in sorted({fact.row.modality for fact in facts if fact.row.modality.is_multiplex}):
        of = [fact for fact in facts if fact.row.modality == modality]
        seen = dict.fromkeys(name for fact in of for name in fact.channel_names)
        sheet = submission.panels.get(modality)
        if sheet is None:
            channels = [unlisted_channel(name) for name in seen]
        else:
            channels = [panel_channel(row) for row in sheet.rows if row.keep and row.marker in seen]
            # a sheet that only counts channels has no names of its own
            channels = [replace(c, original_name=c.original_name or c.name) for c in channels]
        panels[modality] = Panel(modality, tuple(channels))
    return panels
