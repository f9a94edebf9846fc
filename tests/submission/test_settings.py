"""Settings from spora.toml and from flags."""

from __future__ import annotations

import dataclasses
import datetime
import re
from pathlib import Path

import pytest

from spora_build.model.privacy_rules import Allow, Bin, Cap, DaysSince, Drop, Hash
from spora_build.store.codec import CODECS
from spora_build.submission.settings import Settings, load_settings
from spora_build.submission.settings_types import CODEC_NAMES
from spora_build.submission.templates import read_template


def settings_of(tmp_path: Path, text: str, **overrides: object) -> Settings:
    (tmp_path / "spora.toml").write_bytes(text.encode())
    settings, problems = load_settings(tmp_path, overrides)
    assert problems == []
    return settings


def test_no_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}) == (Settings(), [])


def test_the_template_gives_the_defaults(tmp_path: Path) -> None:
    assert settings_of(tmp_path, read_template("spora.toml")) == Settings()


def test_every_line_of_the_template_is_a_setting(tmp_path: Path) -> None:
    """Every setting there is stands in the template, with its default where it has one that TOML can say."""
    text = re.sub(r'^# ((?:\w+|"[\w.]+") = )', r"\1", read_template("spora.toml"), flags=re.MULTILINE)
    text = text.replace("border_label = 1", "border_label = 2")
    settings = settings_of(tmp_path, text)
    defaults = Settings()
    for field in dataclasses.fields(Settings):
        assert re.search(rf"^\[?{field.name}\b", text, re.MULTILINE), field.name
    for section in ("tiling", "statistics", "cells"):
        chosen, usual = getattr(settings, section), getattr(defaults, section)
        for field in dataclasses.fields(usual):
            assert re.search(rf"^{field.name} = ", text, re.MULTILINE), field.name
            if getattr(usual, field.name) is not None:
                assert getattr(chosen, field.name) == getattr(usual, field.name), field.name
    for field in dataclasses.fields(Settings):
        usual = getattr(defaults, field.name)
        if usual is not None and not dataclasses.is_dataclass(usual) and field.name != "mpp_override":
            assert getattr(settings, field.name) == usual, field.name
    assert {type(action) for action in settings.privacy.columns.values()} == {Drop, Cap, Bin, DaysSince, Hash, Allow}


def test_everything_set(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        """\ufeffname = "smith2023novel"
mpp = [0.5, "native", 0.5]
codec = "ZSTD"
nonfinite = "zero"
[mpp_override]
IMC = 1
"ihc_CD3E" = 0.25
[tiling]
sizes = 256
strategy = "grid"
[mask]
method = "otsu"
sigma_px = 2.5
[cells]
tasks = ["Cell Type", "niche"]
border_label = 0
background_label = 1
[privacy]
min_k = 5
[privacy.columns]
"clinical.Date of Birth" = "drop"
clinical.age = { cap = 89 }
tissues.note = { allow = "A. Person", on = 2026-01-31 }
cells.Slide = { hash = true }
clinical.os = { bin = [0, 12.5, 60] }
clinical.surgery = { days_since = "Diagnosis Date" }
""",
    )
    assert (settings.name, settings.mpp, settings.codec) == ("smith2023novel", (0.5, "native"), "zstd")
    assert (settings.nonfinite, settings.mpp_override) == ("zero", {"imc": 1.0, "ihc_CD3E": 0.25})
    assert (settings.tiling.sizes, settings.tiling.strategy) == ((256,), "grid")
    assert (settings.mask.method, settings.mask.options) == ("otsu", {"sigma_px": 2.5})
    assert (settings.cells.tasks, settings.cells.border_label) == (("cell_type", "niche"), 0)
    assert settings.privacy.min_k == 5
    assert settings.privacy.columns == {
        "clinical.date_of_birth": Drop(),
        "clinical.age": Cap(89.0),
        "tissues.note": Allow("A. Person", datetime.date(2026, 1, 31)),
        "cells.slide": Hash(),
        "clinical.os": Bin((0.0, 12.5, 60.0)),
        "clinical.surgery": DaysSince("diagnosis_date"),
    }


def test_flags_win_and_none_is_no_flag(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        "pyramid = true\nmpp = [2.0]\n[mpp_override]\nimc = 1.0\nhe = 0.5\n[tiling]\nsizes = [64]\ntolerance = 0.5\n",
        **{
            "mpp": ["native"],
            "pyramid": None,
            "mpp_override.imc": 0.8,
            "tiling.sizes": (128, 224),
            "privacy.columns": {"clinical.age": "drop"},
        },
    )
    assert (settings.mpp, settings.pyramid) == (("native",), True)
    assert settings.mpp_override == {"imc": 0.8, "he": 0.5}
    assert (settings.tiling.sizes, settings.tiling.tolerance) == ((128, 224), 0.5)
    assert settings.privacy.columns == {"clinical.age": Drop()}


def test_a_wrong_flag_names_no_file(tmp_path: Path) -> None:
    settings, (problem,) = load_settings(tmp_path, {"tiling.stride": -1})
    assert settings == Settings()
    assert (problem.code, problem.place.file, problem.place.column) == ("E-SET-004", None, "tiling.stride")


def test_all_problems_come_at_once_and_the_rest_counts(tmp_path: Path) -> None:
    (tmp_path / "spora.toml").write_text('pyramid = 1\nmpp = "x"\ncodec = "zstd"\n[tiling]\nstrid = 3\n')
    settings, problems = load_settings(tmp_path, {})
    assert [(p.code, p.place.row) for p in problems] == [("E-SET-003", 1), ("E-SET-003", 2), ("E-SET-002", 5)]
    assert settings == Settings(codec="zstd")


@pytest.mark.parametrize("text", ["mpp = nan", "mpp = [inf]", "mpp = 0", "mpp = []", "mpp = [true]", "mpp = 101"])
def test_pixel_sizes_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "spora.toml").write_text(text)
    settings, problems = load_settings(tmp_path, {})
    assert len(problems) == 1
    assert settings == Settings()


def test_the_codecs_are_those_of_the_store() -> None:
    assert set(CODEC_NAMES) == set(CODECS)
