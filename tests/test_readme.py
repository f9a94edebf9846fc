"""Every command that the README and the tutorials show does what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shell_pages import ROOT, Step, pattern, run_page, steps

PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if "```console" in page.read_text("utf-8")
]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_the_page(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)


def test_the_setup_is_two_commands() -> None:
    found = [step.command.split("#")[0].strip() for step in steps((ROOT / "README.md").read_text("utf-8"))]
    assert found[:2] == ["make demo", "make test"]


def test_pages_with_commands_are_found() -> None:
    assert {"README.md", "docs/tutorial.md"} <= {page.relative_to(ROOT).as_posix() for page in PAGES}


def test_a_wrong_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in ("$ echo one\ntwo\n", "$ false\n", "$ echo one\none\ntwo\n", "$ printf 'a\\nb\\n'\na\n"):
        page.write_text(f"```console\n{text}```\n")
        with pytest.raises(AssertionError):
            run_page(page, tmp_path)
    page.write_text("```console\n$ printf 'a\\nb 12 c\\nd\\n'\n…\nb … c\n…\n$ cd / && true\n$ pwd\n/\n```\n")
    run_page(page, tmp_path)


def test_lines_of_a_page() -> None:
    assert list(steps("```console\n$ one # two\nthree\n```\n```sh\nfour\n```\n")) == [Step("one # two", ("three",))]
    assert pattern(("a", "…")).fullmatch("a\nb\nc")
    assert not pattern(("a", "b")).fullmatch("a\nb\nc")
