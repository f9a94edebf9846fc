"""Models that others trained, run through their own packages with weights that the user has."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spora_build import __version__
from spora_build.errors import EnvironmentFaultError, InvalidDataError, Place, Problem, UsageError
from spora_build.model.geometry import Window
from spora_build.pixels.nuclei import grow
from spora_build.segmenters._planes import Planes
from spora_build.segmenters._stitch import stitched_bands

TILE_PX = 1024
_LEAST_MARGIN_PX = 128
_ALIGN_PX = 64
"""Windows start at multiples of this: networks that shrink their input by powers of two see each pixel alike."""
_MARGIN_UM = 40.0


@dataclass(frozen=True)
class TrainedSettings:
    """What a trained model is run with."""

    weights: Path | None = None
    """The weights, where the user has them; nothing is ever downloaded."""
    model_mpp: float | None = None
    """Pixel size that the model shall see; None: that of the image, or the one that the weights name."""
    expand_um: float | None = None
    """How far cells reach beyond what the model finds; None: 2 for a model of nuclei, 0 for one of cells."""

    def __post_init__(self) -> None:
        if self.model_mpp is not None and self.model_mpp <= 0:
            raise ValueError("the pixel size of the model is above 0")
        if self.expand_um is not None and self.expand_um < 0:
            raise ValueError("cells do not shrink")


@dataclass(frozen=True)
class TrainedSegmenter:
    """One package; the fields say all that is different about it."""

    package: str
    """As it is imported."""
    distribution: str
    """As it is installed."""
    extra: str
    load: Callable[[Path], Any]
    """The model of some weights, ready to run."""
    look: Callable[[Any, NDArray[np.float32], float, float | None], NDArray[Any]]
    """Labels (h, w) of (model, pixels (C, h, w), mpp, model_mpp): nuclei in channel 0, cell bodies in 1 if any."""
    percentiles: tuple[float, float]
    """What becomes 0 and 1: those that the package uses itself, but of the whole image, so that windows agree."""
    finds_nuclei: bool
    weights_are: str
    """What the weights are and where the package keeps them, for messages."""
    is_weights: Callable[[Path], bool] = Path.is_file
    settings_type: type[Any] = TrainedSettings
    takes_all_cores: bool = True
    tile_px: int = TILE_PX

    @property
    def takes_bodies(self) -> bool:
        """See :class:`~spora_build.segmenters.Segmenter`."""
        return not self.finds_nuclei

    def provenance(self, settings: TrainedSettings) -> dict[str, Any]:
        """See :class:`~spora_build.segmenters.Segmenter`."""
        weights = self._weights(settings)
        if importlib.util.find_spec(self.package) is None:
            raise EnvironmentFaultError(
                Problem(
                    "E-SEG-010",
                    f"this method needs the package {self.distribution}, which is not installed.",
                    f"install it (pip install 'spora-build[{self.extra}]').",
                    Place(column="method", value=self.extra),
                )
            )
        version = importlib.metadata.version(self.distribution)
        return {
            "software": f"{self.distribution} {version}, spora-build {__version__}",
            "weights": {"name": weights.name, "sha256": _digest(weights)},
            "parameters": {"model_mpp": settings.model_mpp, "expand_um": self._expand_um(settings)},
        }

    def label_bands(self, planes: Planes, settings: TrainedSettings) -> Iterator[NDArray[np.uint32]]:
        """See :class:`~spora_build.segmenters.Segmenter`."""
        model = _loaded(self, self._weights(settings))
        ends = _ends(planes, self.percentiles)
        radius_px = self._expand_um(settings) / planes.mpp

        def look(window: Window) -> NDArray[np.uint32]:
            pixels = _normalised(planes.read(window), planes.nuclear, ends)
            labels = np.asarray(self.look(model, pixels, planes.mpp, settings.model_mpp))
            return grow(np.ascontiguousarray(labels.reshape(pixels.shape[1:]), np.uint32), radius_px)

        margin_px = max(_LEAST_MARGIN_PX, math.ceil((_MARGIN_UM + self._expand_um(settings)) / planes.mpp))
        margin_px = -(-margin_px // _ALIGN_PX) * _ALIGN_PX
        return stitched_bands(look, planes.size, self.tile_px, margin_px)

    def _expand_um(self, settings: TrainedSettings) -> float:
        if settings.expand_um is None:
            return 2.0 if self.finds_nuclei else 0.0
        return settings.expand_um

    def _weights(self, settings: TrainedSettings) -> Path:
        if settings.weights is None or not self.is_weights(settings.weights):
            missing = "this method needs weights that you have."
            what = "there are no such weights." if settings.weights else missing
            raise UsageError(
                Problem(
                    "E-SEG-011",
                    what,
                    f"give --weights {self.weights_are}.",
                    Place(column="weights", value=settings.weights.name if settings.weights else None),
                )
            )
        return settings.weights


@cache
def _loaded(segmenter: TrainedSegmenter, weights: Path) -> Any:
    try:
        return segmenter.load(weights)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, AttributeError, TypeError) as error:
        raise InvalidDataError(
            Problem(
                "E-SEG-012",
                f"{segmenter.distribution} cannot use these weights.",
                f"give --weights {segmenter.weights_are}.",
                Place(file=weights.name, column="weights"),
            )
        ) from error


@cache
def _digest(weights: Path) -> str:
    """SHA-256 of a file, or of all files of a folder with their names."""
    members = sorted(p for p in weights.rglob("*") if p.is_file()) if weights.is_dir() else [weights]
    digest = hashlib.sha256()
    for member in members:
        if weights.is_dir():
            digest.update(f"{member.relative_to(weights).as_posix()}\0{member.stat().st_size}\0".encode())
        with member.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def _ends(planes: Planes, percentiles: tuple[float, float]) -> list[tuple[float, float]]:
    """What becomes 0 and 1 in each plane."""
    samples = list(planes.samples())
    ends = []
    for at in range(len(samples[0])):
        low, high = np.percentile(np.concatenate([sample[at].ravel() for sample in samples]), percentiles)
        ends.append((float(low), max(float(high), float(low) + 1e-6)))
    return ends


def _normalised(pixels: NDArray[Any], nuclear: int, ends: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """(1 or 2, h, w): the mean of the nuclear planes, and that of the others where there are any."""
    planes = [(plane.astype(np.float32) - low) / (high - low) for plane, (low, high) in zip(pixels, ends, strict=True)]
    groups = [planes[:nuclear], planes[nuclear:]]
    return np.stack([np.mean(group, axis=0, dtype=np.float32) for group in groups if group])
