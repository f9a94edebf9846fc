"""What every command owes whoever types it for the first time, on whatever terminal."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer.main

from spora_build import __version__
from spora_build.cli.app import PANELS, app
from spora_build.example.cohort import write_example
from tools.cli_page import commands

ENTRY = (sys.executable, "-c", "import sys; sys.argv[0] = 'spora-build'; from spora_build.cli.app import main; main()")
HEAVY = {
    *("numpy", "pandas", "pyarrow", "scipy", "skimage", "numba", "zarr", "ome_zarr", "ome_zarr_models", "tifffile"),
    *("imagecodecs", "PIL", "jinja2", "readimc", "multiprocessing", "asyncio", "pydantic"),
}
"""What takes longer to import than a person should wait for help."""


def spora_build(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, without a terminal."""
    return subprocess.run([*ENTRY, *arguments], capture_output=True, cwd=cwd, env={**os.environ, **environment})


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_what_it_does_with_an_example(name: str) -> None:
    text = COMMANDS[name].__doc__ or ""
    assert re.match(r"[A-Z].*[.:]", text)
    assert f"Example: `spora-build {name}" in text
    for parameter, hint in get_type_hints(COMMANDS[name], include_extras=True).items():
        if parameter != "return":
            assert hint.__metadata__[0].help, f"{name}: {parameter} is not explained"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_examples_are_what_the_parser_takes(name: str) -> None:
    parser: Any = typer.main.get_command(app)
    for part in name.split():
        parser = parser.commands[part]
    for line in re.findall(r"Example: `spora-build ([^`]+)`", COMMANDS[name].__doc__ or ""):
        parser.make_context(name, shlex.split(line)[len(name.split()) :])


def test_help_imports_nothing_heavy() -> None:
    script = """
import contextlib, io, sys
from spora_build.cli.app import main
for words in sys.argv[1:]:
    sys.argv[:] = ["spora-build", *words.split()]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main()
print(*sys.modules)
"""
    helps = ["--version", "--help", *(f"{name} --help" for name in COMMANDS)]
    done = subprocess.run([sys.executable, "-c", script, *helps], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "typer" in loaded
    assert not loaded & HEAVY


def test_version() -> None:
    assert spora_build("--version").stdout.decode().strip() == f"spora-build {__version__}"


def test_fewer_than_no_workers_make_no_sense() -> None:
    assert spora_build("tile", "--jobs", "-1").returncode == 2


def test_doctor_finds_this_machine_able() -> None:
    done = spora_build("doctor")
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plain") / "raw"
    write_example(folder)
    return folder


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_terminals_of_few_letters_are_no_reason_to_stop(raw: Path, encoding: str, tmp_path: Path) -> None:
    for arguments in (("--help",), ("inspect", str(raw)), ("convert", str(raw), "--dry-run", "--out", str(tmp_path))):
        done = spora_build(*arguments, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr.decode(encoding)
        assert b"Traceback" not in done.stderr
        assert done.stdout.decode(encoding)
    wrong = spora_build("convert", str(tmp_path), PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert wrong.returncode in (1, 2)
    assert b"Fix:" in wrong.stderr


def test_inspect_tells_every_acquisition_and_every_channel(raw: Path) -> None:
    lines = spora_build("inspect", str(raw)).stdout.decode().splitlines()
    at = lines.index("codex/core1.ome.tif  OME-TIFF")
    assert lines[at + 1] == "  0 Image0: 6 × 640 × 768 uint16, 0.5 µm per pixel (OME-XML PhysicalSizeX)"
    assert lines[at + 2] == "  channels: DAPI, PanCK, CD3, CD20, CD68, Blank"
    assert lines.count("  channels: 6, named as above") == 3
    assert "  0: 3 × 512 × 512 uint8 RGB, no pixel size" in lines


def test_a_plan_names_row_image_and_what_becomes_of_it(raw: Path, tmp_path: Path) -> None:
    done = spora_build("convert", str(raw), "--dry-run", "--out", str(tmp_path), NO_COLOR="1")
    raw_image = "  he, row 3: he/core1.tif, 3 × 640 × 768 uint8, 0.5 µm (TIFF XResolution)"
    assert f"{raw_image} → 0.5 µm (640 × 768), 1 µm (320 × 384)" in done.stdout.decode().splitlines()


def test_every_command_has_its_place_in_the_help() -> None:
    text = spora_build("--help", COLUMNS="100").stdout.decode()
    assert "─ Commands" not in text
    assert [text.index(panel) for panel in PANELS] == sorted(text.index(panel) for panel in PANELS)


def test_no_colour_where_none_is_wanted(raw: Path) -> None:
    plain = spora_build("inspect", str(raw), NO_COLOR="1", FORCE_COLOR="1")
    assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", plain.stdout + plain.stderr)
    coloured = spora_build("doctor", FORCE_COLOR="1", NO_COLOR="")
    assert re.search(rb"\x1b\[[0-9;]*3[0-7]m", coloured.stdout)


def test_the_shell_completes_commands() -> None:
    done = spora_build(_SPORA_BUILD_COMPLETE="complete_bash", COMP_WORDS="spora-build co", COMP_CWORD="1")
    assert "convert" in done.stdout.decode().split()
