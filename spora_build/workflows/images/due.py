"""Which images of a plan are to be written: those that are missing, damaged, or made from something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import Problem
from spora_build.model.modality import Modality
from spora_build.store.layout import Layout
from spora_build.store.ledger import Ledger, fingerprint, fingerprint_file
from spora_build.store.seal import seal_image
from spora_build.submission import Settings
from spora_build.workflows.dataset.inputs import GONE, can_verify, identify
from spora_build.workflows.dataset.outputs import image_key
from spora_build.workflows.dataset.refuse import refuse_existing
from spora_build.workflows.images.write import ImagesJob, ImagesOutcome
from spora_build.workflows.planning.plan import Plan, PlannedImage, PlannedOutput, PlannedTissue
from spora_build.workflows.running.existing import Existing

FORMAT_VERSION = 2
"""Part of every fingerprint: raised when the same input would give other bytes, so that old work is redone."""


@dataclass(frozen=True)
class ImageWork:
    """The images of a dataset: what they are made from, and what the ledger knows of them."""

    layout: Layout
    ledger: Ledger
    settings: Settings
    inputs: dict[Path, str] = field(default_factory=dict, repr=False)
    """Identity of every raw file."""
    states: dict[Path, str] = field(default_factory=dict, repr=False)
    """Its sizes and times when it was identified."""
    unverified: set[Path] = field(default_factory=set, repr=False)
    """Files that were to be verified, and whose former bytes nobody knows."""

    def look_at(self, tissues: tuple[PlannedTissue, ...], *, verify: bool) -> None:
        """Identify the raw files of these tissues."""
        for image in (image for tissue in tissues for image in tissue.images):
            if image.path not in self.inputs:
                if verify and not can_verify(self.ledger, image.shown_name):
                    self.unverified.add(image.path)
                self.states[image.path] = _state(image.path)
                self.inputs[image.path] = identify(self.ledger, image.shown_name, image.path, verify=verify)

    def doubts(self, tissue: PlannedTissue) -> tuple[Problem, ...]:
        """What to say of a tissue whose images stay as they are."""
        return (_UNVERIFIED,) if any(image.path in self.unverified for image in tissue.images) else ()

    def wanted(self, tissue: PlannedTissue, existing: Existing) -> tuple[tuple[int, float], ...]:
        """(index of the image in the tissue, mpp) of what is to be written. Raises UsageError for Existing.ERROR."""
        return tuple(
            (index, output.mpp)
            for index, image in enumerate(tissue.images)
            for output in image.outputs
            if self._is_due(existing, tissue, image, output)
        )

    def _is_due(self, existing: Existing, tissue: PlannedTissue, image: PlannedImage, output: PlannedOutput) -> bool:
        path = self.layout.image(image.modality, output.mpp, tissue.tissue_id)
        refuse_existing(existing, [path])
        if not path.exists() or existing is Existing.OVERWRITE:
            return True
        key = image_key(image.modality, output.mpp, tissue.tissue_id)
        seal = seal_image(path)
        if existing is Existing.SKIP:
            return seal is None or self.ledger.was_begun(key)
        if seal is None or self.inputs[image.path] == GONE:
            return True
        return not self.ledger.matches(key, fingerprint(self._print(image, output), seal))

    def _print(self, image: PlannedImage, output: PlannedOutput) -> str:
        return fingerprint(
            FORMAT_VERSION,
            self.inputs[image.path],
            image.series,
            image.channels,
            image.channel_names,
            image.native_mpp,
            output,
            self.settings.codec,
            self.settings.pyramid,
            self.settings.nonfinite,
        )

    def begin(self, job: ImagesJob) -> Iterator[str]:
        """Keys of what a job is about to write."""
        for index, mpp in job.wanted:
            yield image_key(job.tissue.images[index].modality, mpp, job.tissue.tissue_id)

    def finish(self, job: ImagesJob, result: ImagesOutcome) -> None:
        """Remember what a job wrote, and what was seen on the way."""
        tissue_id, images = job.tissue.tissue_id, job.tissue.images
        seen = [
            (_nonzero_key(tissue_id, images[at].modality), "".join("1" if value else "0" for value in values))
            for at, values in result.nonzero
        ]
        done = []
        for at, mpp in job.wanted:
            image = images[at]
            output = next(output for output in image.outputs if output.mpp == mpp)
            seal = seal_image(self.layout.image(image.modality, mpp, tissue_id))
            value = fingerprint(self._print(image, output), seal)
            done.append((image_key(image.modality, mpp, tissue_id), value))
        self.ledger.record(seen + done)

    def empty_channels(self, plan: Plan) -> dict[Modality, list[str]]:
        """Channels that held nothing but zeros in every tissue that has them."""
        alive: dict[Modality, set[str]] = {modality: set() for modality in plan.panels}
        for tissue in plan.tissues:
            for image in tissue.images:
                if image.modality in alive:
                    seen = self.ledger.entries.get(_nonzero_key(tissue.tissue_id, image.modality), "")
                    flags = seen if len(seen) == len(image.channel_names) else "1" * len(image.channel_names)
                    named = zip(image.channel_names, flags, strict=True)
                    alive[image.modality] |= {name for name, flag in named if flag == "1"}
        return {m: [name for name in panel.names if name not in alive[m]] for m, panel in plan.panels.items()}

    def is_whole(self, tissue: PlannedTissue) -> bool:
        """Whether every image of the tissue stands there, readable."""
        return all(
            seal_image(self.layout.image(image.modality, output.mpp, tissue.tissue_id)) is not None
            for image in tissue.images
            for output in image.outputs
        )


_UNVERIFIED = Problem(
    "N-BUILD-002",
    "the last build did not look at every byte of this tissue's raw files: a change inside of them, of the same size"
    " and time, cannot be seen this once. From now on it can.",
    "nothing to do, or convert it again with --existing overwrite where in doubt.",
)


def _state(path: Path) -> str:
    try:
        return fingerprint_file(path)
    except OSError:
        return GONE


def _nonzero_key(tissue_id: str, modality: Modality) -> str:
    return f"nonzero/{modality}/{tissue_id}"
