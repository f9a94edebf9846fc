"""The page in a real browser: no request, no error, usable by keyboard, accessible, at home on a phone."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spora_build.report.page import render
from spora_build.report.values import DatasetLook, Pair, Picture, TableColumn, TableColumns, Validation
from tests.report.make_look import ISSUE, channel, dataset, modality, tissue, tissue_id, usual

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS, SCHEMES = (360, 768, 1440), ("light", "dark")


def rich_look() -> DatasetLook:
    """Something of everything: findings of each severity, suspicions, cells, look-alikes, a tissue that failed."""
    base = usual(9)
    lines = Picture("image/png", base.looks[tissue_id(0)].modalities[0].overview.data, 80, 60)  # type: ignore[union-attr]
    odd = tissue(
        9,
        modality(
            "codex",
            (channel("DAPI", 900.0), channel("CD3E", is_empty=True, clip=None)),
            pairs=(Pair("DAPI", "CD3E", 0.95),),
            edges=lines,
            detail_edges=lines,
        ),
        tissue_share=0.01,
    )
    issues = (ISSUE, *(replace(ISSUE, code=f"V00{at}", severity=s) for at, s in enumerate(("warning", "note"), 2)))
    tables = (
        TableColumns("tissues.parquet", 10, (TableColumn("patient_id", "text", 1.0, 8),)),
        TableColumns("cells.parquet", 480, (TableColumn("cell_type", "text", 0.96, 2, (("T", 300), ("B", 160))),)),
    )
    whole = dataset(*base.looks.values(), odd, validation=Validation(issues, 40, 3, 3, False), tables=tables)
    lost = replace(whole.tissues[0], tissue_id="smith2023novel_zzzzzzzz_0000", patient_id="zzzzzzzz", split="")
    return replace(whole, tissues=(*whole.tissues, lost), failures={lost.tissue_id: ("the image is damaged.",)})


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(rich_look()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Watched:
    """A page whose requests and console are remembered."""

    def __init__(self, browser: Any, url: str, width: int, scheme: str) -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url)


@pytest.fixture
def watched(browser: Any, report: str, request: pytest.FixtureRequest) -> Iterator[Watched]:
    width, scheme = getattr(request, "param", (1440, "light"))
    found = Watched(browser, report, width, scheme)
    yield found
    found.page.close()
    assert found.errors == []
    assert found.requests[0] == report
    assert all(url == report or url.startswith("data:") for url in found.requests)


def visible_ids(page: Any) -> list[str]:
    return page.eval_on_selector_all(".card:not([hidden])", "cards => cards.map(card => card.dataset.id)")


def test_sort_by_the_headers(watched: Watched) -> None:
    page = watched.page
    page.click("#as-table")
    page.click('[data-sort="cells"]')
    head = page.locator("th", has=page.locator('[data-sort="cells"]'))
    assert head.get_attribute("aria-sort") == "descending"
    cells = page.eval_on_selector_all('#table tbody [data-key="cells"]', "cells => cells.map(cell => cell.textContent)")
    assert cells == ["93", *[str(10 * at + 3) for at in range(8, -1, -1)], "–"]
    page.click('[data-sort="cells"]')
    assert head.get_attribute("aria-sort") == "ascending"
    cells = page.eval_on_selector_all('#table tbody [data-key="cells"]', "cells => cells.map(cell => cell.textContent)")
    assert cells[0] == "3" and cells[-1] == "–"  # the unknown come last either way
    assert page.evaluate("document.activeElement.dataset.sort") == "cells"


def test_filter(watched: Watched) -> None:
    page = watched.page
    assert len(visible_ids(page)) == 11
    page.fill("#search", "AAAAaaaa_0001")
    assert visible_ids(page) == [tissue_id(8)]
    assert page.inner_text("#shown") == "1 of 11 tissues"
    page.fill("#search", "")
    page.select_option("#split", "test")
    assert set(visible_ids(page)) == {tissue_id(at) for at in (2, 5, 8)}
    page.select_option("#split", "")
    page.check("#only")
    assert set(visible_ids(page)) == {tissue_id(9), "smith2023novel_zzzzzzzz_0000"}
    page.uncheck("#only")
    page.select_option("#modality", "he")
    assert tissue_id(9) not in visible_ids(page) and len(visible_ids(page)) == 10


def test_nothing_is_like_that(watched: Watched) -> None:
    page = watched.page
    assert not page.locator("#nothing").is_visible()
    page.select_option("#split", "test")
    page.fill("#search", "nobody")
    assert page.locator("#nothing").is_visible() and visible_ids(page) == []
    page.click("#clear")
    assert not page.locator("#nothing").is_visible()
    assert len(visible_ids(page)) == 11 and page.evaluate("document.activeElement.id") == "search"


def test_columns_of_the_tables(watched: Watched) -> None:
    text = watched.page.locator("#cohort").inner_text()
    assert "Columns of cells.parquet" in text and "96\u202f%" in text
    assert "T 300, B 160" in text


def test_a_row_of_the_matrix_opens_its_tissue(watched: Watched) -> None:
    page = watched.page
    button = page.locator(f'.matrix [data-open="{tissue_id(9)}"]')
    button.press("Enter")
    assert page.locator("dialog[open] h2").inner_text() == "bbbbbbbb_0001"
    page.keyboard.press("Escape")
    assert button.evaluate("button => button === document.activeElement")


def test_names_of_the_matrix_stay_where_it_is_scrolled(watched: Watched) -> None:
    page = watched.page
    box = page.locator(".matrix-box")
    box.evaluate("box => { box.style.height = '160px'; box.style.width = '150px'; box.scrollTo(40, 60); }")
    box.scroll_into_view_if_needed()
    at = "document.elementFromPoint(box.getBoundingClientRect().left + 20, box.getBoundingClientRect().top + {})"
    assert box.evaluate(f"box => {at.format(60)}.closest('thead') !== null")  # no tissue slides over the heads
    assert box.evaluate(f"box => {at.format(130)}.closest('th').scope === 'row'")


@pytest.mark.parametrize("watched", [(794, s) for s in SCHEMES], indirect=True)
def test_on_paper(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(media="print", color_scheme=page.evaluate("document.documentElement.dataset.theme"))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    colors = page.evaluate(
        "[document.body, document.querySelector('h1')].map(e => getComputedStyle(e))"
        ".map((style, at) => at ? style.color : style.backgroundColor)"
    )
    assert colors == ["rgb(255, 255, 255)", "rgb(22, 32, 46)"]  # dark on white, whatever the screen has
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    assert not page.locator(".controls").is_visible() and not page.locator("nav").is_visible()
    page.wait_for_function("[...document.querySelectorAll('.card img')].every(one => one.complete && one.naturalWidth)")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count() == 2  # the warning and the note are folded again
    page.emulate_media(media="screen")
    page.click("#gallery .open >> nth=0")
    page.emulate_media(media="print")
    assert not page.locator("#main").is_visible() and not page.locator("#close").is_visible()
    top = page.evaluate("document.querySelector('#tissue-title').getBoundingClientRect().top + scrollY")
    assert 0 <= top < 40  # the tissue alone, from the top of the paper


def test_open_a_tissue_and_read_its_numbers(watched: Watched) -> None:
    page = watched.page
    page.click(f'#gallery [data-open="{tissue_id(9)}"]')
    dialog = page.locator("dialog[open]")
    assert dialog.locator("h2").inner_text() == "bbbbbbbb_0001"
    facts = dialog.locator(".chips").inner_text()
    assert "93" in facts and "1.0\u202f% of the field" in facts
    row = dialog.locator("tbody tr").first.inner_text()
    assert row.split()[:1] == ["DAPI"] and "900" in row
    assert "only 1.0% of the field is tissue" in dialog.locator(".see").inner_text()
    tiles = page.locator('[data-layer="tiles"]').first
    assert not tiles.is_visible()
    page.select_option("#show-tiles", "128 px at 1 µm")
    assert tiles.is_visible()
    lines = page.locator('[data-layer="cells"]').first
    assert not lines.is_visible()
    page.check("#show-cells")
    assert lines.is_visible()


def test_keyboard_alone(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.focus(f'#gallery [data-open="{tissue_id(0)}"]')
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "tissue-title"
    page.keyboard.press("ArrowRight")
    second = visible_ids(page)[1]
    assert page.inner_text("#tissue-title") == second.removeprefix("smith2023novel_")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate("document.activeElement.dataset.open") == second


def test_theme(watched: Watched) -> None:
    page = watched.page
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    page.click("#theme")
    assert page.get_attribute("#theme", "aria-pressed") == "true"
    assert page.evaluate(background) != before
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("watched", [(w, s) for w in WIDTHS for s in SCHEMES], indirect=True)
def test_nothing_sticks_out_and_pictures_are_there(watched: Watched) -> None:
    page = watched.page
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.eval_on_selector_all(".card img", "all => all.forEach(one => one.loading = 'eager')")
    page.wait_for_function("[...document.querySelectorAll('.card img')].every(one => one.complete && one.naturalWidth)")
    page.click("#gallery .open >> nth=0")
    assert page.evaluate("document.querySelector('dialog').scrollWidth <= innerWidth")
    assert page.get_attribute("html", "data-theme") == page.evaluate(
        "matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'"
    )


@pytest.mark.parametrize("watched", [(w, s) for w in WIDTHS for s in SCHEMES], indirect=True)
def test_axe_finds_nothing_serious(watched: Watched) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    page = watched.page
    script = (Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)  # as a debugger does it: the page's own policy allows no foreign script

    def serious(context: str) -> list[str]:
        found = json.loads(page.evaluate(f"axe.run({context}).then(found => JSON.stringify(found.violations))"))
        return [
            f"{one['id']}: {node['html'][:200]} {re.sub(chr(10), ' ', node.get('failureSummary', ''))[:300]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert serious("document") == []
    page.click("#as-table")
    assert serious("document") == []
    page.click(f'#table [data-open="{tissue_id(9)}"]')
    page.check("#show-cells")
    assert serious("'dialog'") == []
