"""Packages of the names and call signatures of cellpose, stardist and instanseg, whose models find connected patches.

The real ones need gigabytes and weights. ``test_trained.py`` compares the signatures where a real one is installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

VERSIONS = {"cellpose": "4.0.1", "stardist": "0.9.1", "instanseg-torch": "0.1.0", "torch": "2.6.0"}
_PATCHES = """
import numpy as np
from scipy import ndimage


def patches(plane):
    return ndimage.label(np.asarray(plane) > 0.5)[0]
"""
_FILES = {
    "patches.py": _PATCHES,
    "cellpose/__init__.py": "",
    "cellpose/models.py": """
import numpy as np
from patches import patches

SEEN = []


class CellposeModel:
    def __init__(self, gpu=False, pretrained_model="cpsam_v2"):
        with open(pretrained_model) as file:
            if file.read() != "weights":
                raise ValueError("This model does not appear to be a CP4 model.")

    def eval(self, x, channel_axis=None, normalize=True, diameter=None):
        assert x.dtype == np.float32 and x.shape[-1] == 3 and channel_axis == -1 and normalize is False
        SEEN.append((x, diameter))
        return patches(x.max(axis=-1)).astype(np.uint16), [], np.zeros(256)
""",
    "stardist/__init__.py": "",
    "stardist/models.py": """
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from patches import patches

SEEN = []


class StarDist2D:
    def __init__(self, config, name=None, basedir="."):
        assert config is None
        self.config = SimpleNamespace(**json.loads((Path(basedir) / name / "config.json").read_text()))

    def predict_instances(self, img, axes=None, scale=None, show_tile_progress=True):
        assert img.ndim == 2 and axes == "YX"
        SEEN.append((img, scale))
        return patches(img).astype(np.int32), {}
""",
    "torch.py": """
import numpy as np


class cuda:
    is_available = staticmethod(lambda: False)


class Tensor:
    def __init__(self, array):
        self.array = array

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class Scripted:
    pixel_size = 0.5


class jit:
    @staticmethod
    def load(f, map_location=None):
        with open(f) as file:
            if file.read() != "weights":
                raise RuntimeError("PytorchStreamReader failed reading zip archive")
        return Scripted()
""",
    "instanseg/__init__.py": """
import numpy as np
import torch
from patches import patches

SEEN = []


class InstanSeg:
    def __init__(self, model_type="brightfield_nuclei", image_reader="auto", verbosity=1):
        self.instanseg = model_type

    def eval_small_image(
        self, image, pixel_size=None, normalise=True, return_image_tensor=True, target="all_outputs"
    ):
        assert image.ndim == 3 and not normalise and not return_image_tensor and target == "cells"
        SEEN.append((image, pixel_size))
        return torch.Tensor(patches(image.max(axis=0))[None, None].astype(np.float32))
""",
}


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the packages where this process imports from, for one test."""
    for name, text in _FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name, version in VERSIONS.items():
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    ours = {Path(name).parts[0].removesuffix(".py") for name in _FILES}
    for name in [name for name in sys.modules if name.split(".")[0] in ours]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))


def uninstall() -> None:
    """Forget them, so that a real package may be imported later."""
    ours = {Path(name).parts[0].removesuffix(".py") for name in _FILES}
    for name in [name for name in sys.modules if name.split(".")[0] in ours]:
        del sys.modules[name]
