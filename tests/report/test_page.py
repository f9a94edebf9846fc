"""The page as text: nothing fetched, everything escaped, the right verdict, the right size."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace

from spora_build.report.page import render, verdict
from spora_build.report.suspicion import Suspicion
from spora_build.report.values import PanelChannel, Picture, Validation
from tests.report.make_look import ISSUE, channel, dataset, modality, picture, tissue, tissue_id, usual


def records(page: str) -> dict:
    return json.loads(re.search(r'id="records">(.*?)</script>', page, re.S)[1])  # type: ignore[index]


def test_the_same_values_make_the_same_page() -> None:
    assert render(usual()) == render(usual())


def test_nothing_is_fetched() -> None:
    page = render(usual())
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", page)
    assert links and all(link.startswith(("data:", "#", "${")) for link in links)
    assert not re.search(r"\bhttps?://(?!www\.w3\.org/2000/svg)[a-z]", page)
    assert "@import" not in page and "fetch(" not in page and "XMLHttpRequest" not in page


def test_the_policy_allows_this_script_alone() -> None:
    page = render(usual())
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])  # type: ignore[index]
    script = re.search(r"<script>(.*?)</script>", page, re.S)[1]  # type: ignore[index]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy


def test_text_of_the_dataset_is_never_markup() -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    one = tissue(0, modality("codex", (channel(evil),)), problems=(evil,))
    page = render(
        dataset(
            one,
            panels={"codex": (PanelChannel(evil, evil, False, True),)},
            markers={"codex": (evil,)},
            validation=Validation((ISSUE, replace(ISSUE, message=evil)), 1, 2, 0, True),
            provenance=((evil, evil),),
        )
    )
    assert evil not in page and "<img src=x" not in page and "<one>" not in page
    assert records(page)[tissue_id(0)]["mods"][0]["rows"][0][0] == evil
    assert "There is &lt;one&gt; <code>rule</code>." in page


def test_numbers_of_a_tissue() -> None:
    found = records(render(usual()))[tissue_id(2)]
    assert found["short"] == tissue_id(2).removeprefix("smith2023novel_")
    assert ["Cells", "23"] in found["facts"] and ["Tiles, 128 px at 1 µm", "3, 90\u202f% of the tissue"] in found[
        "facts"
    ]
    name, bars, clip, *_ = found["mods"][0]["rows"][0]
    assert (name, bars[0], clip) == ("DAPI", "z", round(102 / 120, 3))


def test_equal_cell_outlines_are_kept_once() -> None:
    lines = Picture("image/png", b"the same lines", 9, 9)
    looks = [modality(name, (channel("R"),), edges=lines, detail_edges=picture()) for name in ("codex", "he")]
    found = records(render(dataset(tissue(0, *looks))))[tissue_id(0)]
    assert len(found["lines"]) == 2
    assert [(mod["edges"], mod["detailEdges"]) for mod in found["mods"]] == [(0, 1), (0, 1)]


def test_verdicts() -> None:
    good = usual()
    none: dict[str, tuple[Suspicion, ...]] = {}
    assert verdict(good, none)["state"] == "good"
    assert verdict(good, {"a": (Suspicion("outlier", "x", is_note=True),)})["state"] == "good"
    assert verdict(good, {"a": (Suspicion("empty", "x"),)})["state"] == "look"
    warned = replace(good, validation=Validation((replace(ISSUE, severity="warning"),), 1, 1, 0, False))
    assert verdict(warned, none)["state"] == "look"
    broken = replace(good, validation=Validation((ISSUE,), 1, 1, 0, False))
    assert verdict(broken, none)["state"] == "bad" and "1 error" in verdict(broken, none)["text"]
    assert verdict(replace(good, failures={"a": ("lost",)}), none)["state"] == "bad"


def test_a_tissue_that_could_not_be_read_is_still_there() -> None:
    page = render(replace(usual(), looks={}, failures={tissue_id(0): ("the image is damaged",)}))
    assert page.count('class="card"') == 8 and "the image is damaged" in page


def test_a_patient_in_both_splits_is_said() -> None:
    look = usual(2)
    mixed = tuple(
        replace(t, patient_id="aaaaaaaa", split=s) for t, s in zip(look.tissues, ("train", "test"), strict=True)
    )
    assert "1 patient in more than one split" in render(replace(look, tissues=mixed))
    assert "more than one split" not in render(look)


def test_a_dataset_of_tables_alone() -> None:
    whole = usual(3)
    bare = replace(whole, looks={}, panels={}, markers={})
    page = render(bare)
    assert "No images here" in page and "Only tables were looked at." in page
    assert "mm²" not in page.split("</dl>")[0]  # no area that nobody measured
    assert page.count("no image of it is here") >= 3 and "No picture" in page
    part = replace(whole, looks={tissue_id(0): whole.looks[tissue_id(0)]})
    assert "2 tissues with something to look at" in render(part)
