"""Settings given as flags."""

from __future__ import annotations

import pytest
import typer

from spora_build.cli.setting_flags import parse_mpps, parse_overrides, parse_settings


def test_any_setting_can_be_given() -> None:
    assert parse_settings(["tiling.sizes=[128, 224]", "mask.method=otsu", "pyramid=true", 'codec="zstd"']) == {
        "tiling.sizes": [128, 224],
        "mask.method": "otsu",
        "pyramid": True,
        "codec": "zstd",
    }


def test_pixel_sizes() -> None:
    assert parse_mpps(["native", "1", "0.5"]) == ["native", 1.0, 0.5]
    assert parse_mpps(None) is None
    assert parse_overrides(["imc=1.0"]) == {"mpp_override.imc": 1.0}


@pytest.mark.parametrize(
    ("parse", "text"), [(parse_settings, "tiling"), (parse_overrides, "imc"), (parse_mpps, "fine")]
)
def test_a_flag_of_another_form_is_refused(parse, text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(typer.BadParameter):
        parse([text])
