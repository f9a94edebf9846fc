"""The pages that are made from the code are those of today's code, and the site builds without a broken link."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spora_build.errors import ExitCode
from tests.shell_pages import ROOT
from tools.cli_page import EXITS, commands, flags_of
from tools.make_docs import PAGES

DOCS = ROOT / "docs"
SLOW = {"format.md"}  # builds the example


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in PAGES])
def test_generated_pages_are_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run `make generated` and commit the pages"


def test_every_exit_code_is_explained() -> None:
    assert set(EXITS) == set(ExitCode)


def test_links_between_files_lead_somewhere() -> None:
    wrong = []
    for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                wrong.append(f"{page.relative_to(ROOT)}: {target}")
    assert not wrong


def test_commands_and_options_that_the_pages_name_exist() -> None:
    known: dict[str, set[str]] = {}
    for name, _ in commands():
        flags = {flag for names in flags_of(name).values() for flag in names} | {"--help", "-h"}
        known[name.split()[0]] = known.get(name.split()[0], set()) | flags
    wrong = []
    for page in (*ROOT.glob("*.md"), *DOCS.rglob("*.md")):
        for command, rest in re.findall(
            r"(?:`|^|\$ )spora-build ([a-z][a-z-]+)((?:[^`\n#|&;]|\\\n)*)", page.read_text("utf-8"), re.MULTILINE
        ):
            unknown = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", rest)) - known.get(command, set())
            if command not in known or unknown:
                wrong.append(f"{page.relative_to(ROOT)}: spora-build {command} {' '.join(unknown)}")
    assert not wrong


@pytest.mark.slow
def test_the_site_builds(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs_jupyter")
    pytest.importorskip("material")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "image/png" in (tmp_path / "notebooks" / "open_a_dataset" / "index.html").read_text(encoding="utf-8")
