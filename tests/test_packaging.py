"""What is shipped: the wheel has every file, and the papers around the code agree with it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from spora_build import __version__
from spora_build.submission.templates import TEMPLATE_NAMES
from tests.shell_pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def name_of(requirement: str) -> str:
    """``numpy>=2.1`` → ``numpy``, as package indexes compare names."""
    match = re.match(r"[\w.-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


@pytest.mark.slow
def test_the_wheel_has_every_file(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=ROOT, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "spora_build").rglob("*")
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in path.parts)
    }
    assert files <= names
    assert {f"spora_build/templates/{name}" for name in TEMPLATE_NAMES} <= names
    assert {"spora_build/py.typed", "spora_build/nomenclature/data/genes.tsv.xz"} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "tools/"))]


def test_the_conda_recipe_needs_what_the_project_needs() -> None:
    recipe = (ROOT / "conda" / "recipe" / "meta.yaml").read_text("utf-8")
    run = recipe.split("  run:\n")[1].split("\n\n")[0]
    found = {line.strip("- ").replace(" ", "") for line in run.splitlines()}
    assert found == {
        f"python{PROJECT['requires-python']}",
        # conda's zlib-ng is the C library
        *(re.sub(r"^zlib-ng", "python-zlib-ng", text.replace(" ", "")) for text in PROJECT["dependencies"]),
    }


def test_the_lock_file_pins_what_the_project_needs() -> None:
    lines = (ROOT / "requirements-lock.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^\s;@/]+", pin) for pin in pins), "a pin is a name and a version"
    needed = set(PROJECT["dependencies"])
    for extra in ("test", "docs", "dev"):
        needed |= set(PROJECT["optional-dependencies"][extra])
    needed = {name_of(requirement) for requirement in needed} - {"spora-build"}
    assert needed <= {name_of(pin) for pin in pins}, "run `make lock`"


def test_papers_name_the_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"0.{__version__.split('.')[1]}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_commands_of_the_readme_are_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        for target in re.findall(r"[`$ ]make ([a-z]+)", page.read_text("utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target} in {page.name}"
