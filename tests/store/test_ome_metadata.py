"""The OME attributes of an image."""

from __future__ import annotations

import numpy as np
import pytest

from spora_build.store.ome_metadata import channel_labels, group_metadata, level_zero


def test_nuclear_channels_are_blue_and_others_are_not() -> None:
    names = [
        "DAPI",
        "CD3E",
        "Ir191",
        "191Ir",
        "Histone H3",
        "H3-3A",
        "DNA1",
        "DNA",
        "CD8A",
        "HOECHST",
        "DNAJB1",
        "PCNA",
    ]
    ome = group_metadata(names, np.dtype("uint16"), 0.5, [1], is_rgb=False)["attributes"]["ome"]
    blue = [c["label"] for c in ome["omero"]["channels"] if c["color"] == "0000FF"]
    assert blue == ["DAPI", "Ir191", "191Ir", "Histone H3", "H3-3A", "DNA1", "DNA", "HOECHST"]
    assert channel_labels(ome) == tuple(names)


def test_rgb_channels_have_their_own_colours() -> None:
    ome = group_metadata(["R", "G", "B"], np.dtype("uint8"), 0.5, [1], is_rgb=True)["attributes"]["ome"]
    assert [c["color"] for c in ome["omero"]["channels"]] == ["FF0000", "00FF00", "0000FF"]
    assert all(c["active"] for c in ome["omero"]["channels"])


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("uint8", 0, 255), ("uint16", 0, 65535), ("int16", -32768, 32767), ("float32", 0, 100)]
)
def test_windows_come_from_the_type(dtype: str, low: int, high: int) -> None:
    ome = group_metadata(["a"], np.dtype(dtype), 0.5, [1], is_rgb=False)["attributes"]["ome"]
    window = ome["omero"]["channels"][0]["window"]
    assert (window["start"], window["end"]) == (low, high)


def test_mpp_is_kept_to_the_last_digit() -> None:
    for mpp in (0.1, 0.37744, 1 / 3, 1.0):
        ome = group_metadata(["a"], np.dtype("uint8"), mpp, [1], is_rgb=False)["attributes"]["ome"]
        assert level_zero(ome) == ("0", mpp)


def test_a_scale_of_the_whole_multiscale_counts() -> None:
    ome = group_metadata(["a"], np.dtype("uint8"), 0.5, [1], is_rgb=False)["attributes"]["ome"]
    ome["multiscales"][0]["coordinateTransformations"] = [{"type": "scale", "scale": [1.0, 2.0, 2.0]}]
    assert level_zero(ome) == ("0", 1.0)


@pytest.mark.parametrize("scale", [[1.0, 0.5, 0.6], [1.0, 0.0, 0.0], [1.0, -1.0, -1.0], [1.0, 0.5], [1.0]])
def test_pixels_that_are_not_square_are_refused(scale: list[float]) -> None:
    ome = group_metadata(["a"], np.dtype("uint8"), 0.5, [1], is_rgb=False)["attributes"]["ome"]
    ome["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"] = scale
    with pytest.raises((ValueError, LookupError)):
        level_zero(ome)
