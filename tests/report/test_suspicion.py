"""Suspicions: one planted fault at a time."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from spora_build.report.suspicion import alike_pairs, channel_z, find_suspicions, robust_z
from spora_build.report.values import DatasetLook, Pair, PanelChannel
from tests.report.make_look import channel, dataset, modality, tissue, tissue_id, usual


def kinds(look: DatasetLook) -> dict[str, list[str]]:
    names = {one.modality for tissue_look in look.looks.values() for one in tissue_look.modalities}
    found = find_suspicions(look, {name: channel_z(look, name) for name in names})
    return {tissue: [s.kind + ("?" if s.is_note else "") for s in own] for tissue, own in found.items() if own}


def test_robust_z_by_its_definition() -> None:
    levels = np.random.default_rng(0).lognormal(3, 1, 31)
    logs = np.log(levels)
    deviation = np.median(np.abs(logs - np.median(logs)))
    assert robust_z(levels.tolist()) == pytest.approx((0.6745 * (logs - np.median(logs)) / deviation).tolist())


def test_robust_z_needs_five_above_zero() -> None:
    assert robust_z([1, 2, 3, 4]) == [None] * 4
    assert robust_z([1, 2, 3, 4, 0, math.nan]) == [None] * 6
    assert robust_z([1, 2, 3, 4, 5, 0])[-1] is None


def test_five_per_cent_is_never_far() -> None:
    assert max(abs(z) for z in robust_z([100.0] * 9 + [105.0]) if z is not None) < 1.01
    assert robust_z([100.0] * 9 + [200.0])[-1] > 3.5  # type: ignore[operator]


def test_usual_tissues_are_not_suspicious() -> None:
    assert kinds(usual()) == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"is_empty": True}, "empty"),
        ({"zero_share": 0.9995}, "empty"),
        ({"top_share": 0.01, "maximum": 65535.0}, "saturated"),
    ],
)
def test_channels(changes: dict[str, object], kind: str) -> None:
    look = dataset(tissue(0, modality("codex", (channel("DAPI"), channel("CD3E", **changes)))))
    assert kinds(look) == {tissue_id(0): [kind]}
    failed = {"codex": (PanelChannel("DAPI", "", True, True), PanelChannel("CD3E", "", False, False))}
    assert kinds(replace(look, panels=failed)) == {}  # nobody expects anything of a channel that failed QC


def test_white_glass_is_not_saturated() -> None:
    rgb = tuple(channel(name, None, top_share=0.4, maximum=255.0) for name in "RGB")
    assert kinds(dataset(tissue(0, modality("he", rgb)))) == {}


def test_a_strange_tissue_and_a_strange_channel() -> None:
    strange = tissue(8, modality("codex", (channel("DAPI", 104.0), channel("CD3E", 600.0))))
    look = dataset(*usual().looks.values(), strange)
    assert kinds(look) == {strange.tissue_id: ["outlier"]}
    names = ["DAPI", "CD3E", "A", "B", "C", "D"]
    wide = [tissue(at, modality("codex", tuple(channel(name, 100.0 + at) for name in names))) for at in range(8)]
    odd = tissue(8, modality("codex", tuple(channel(n, 900.0 if n == "A" else 104.0) for n in names)))
    look = dataset(*wide, odd, panels={"codex": tuple(PanelChannel(n, "", n == "DAPI", True) for n in names)})
    assert kinds(look) == {odd.tissue_id: ["outlier?"]}  # one of six: a note


def test_look_alikes_but_for_nuclear_pairs() -> None:
    channels = (channel("DNA1"), channel("DNA2"), channel("CD3E"), channel("CD8A"))
    pairs = (Pair("DNA1", "DNA2", 0.99), Pair("CD3E", "CD8A", 0.93), Pair("DNA1", "CD3E", 0.85))
    panel = tuple(PanelChannel(c.name, "", c.name.startswith("DNA"), True) for c in channels)
    look = dataset(tissue(0, modality("codex", channels, pairs=pairs)), panels={"codex": panel})
    assert kinds(look) == {tissue_id(0): ["alike"]}
    assert [(p.first, p.second, many) for p, many in alike_pairs(look, "codex")] == [
        ("CD3E", "CD8A", 1),
        ("DNA1", "CD3E", 1),
    ]


def test_masks_tiles_and_what_could_not_be_read() -> None:
    one = modality("codex", (channel("DAPI"), channel("CD3E")))
    layer = usual().looks[tissue_id(0)].tiles[0]
    assert kinds(dataset(tissue(0, one, tissue_share=0.01))) == {tissue_id(0): ["tissue"]}
    assert kinds(dataset(tissue(0, one, tiles=(replace(layer, count=0),)))) == {tissue_id(0): ["tiles"]}
    assert kinds(dataset(tissue(0, one, tiles=(replace(layer, coverage=0.3),)))) == {tissue_id(0): ["tiles"]}
    assert kinds(dataset(tissue(0, one, problems=("codex: damaged",)))) == {tissue_id(0): ["unreadable"]}
    assert kinds(dataset(tissue(0, one), looks={}, failures={tissue_id(0): ("lost",)})) == {
        tissue_id(0): ["unreadable"]
    }


def test_many_channels_that_look_alike_are_counted() -> None:
    names = [f"C{at}" for at in range(40)]
    pairs = tuple(Pair(a, b, 0.95) for at, a in enumerate(names) for b in names[at + 1 :])
    one = modality("codex", tuple(channel(name) for name in names), pairs=pairs)
    look = dataset(tissue(0, one), panels={"codex": tuple(PanelChannel(name, "", False, True) for name in names)})
    texts = [found.text for found in find_suspicions(look, {})[tissue_id(0)] if found.kind == "alike"]
    assert texts[0] == "CODEX: C0 and C1 look alike (r = 0.95)" and texts[-1] == "CODEX: 777 more pairs look alike"
    assert len(texts) == 4
