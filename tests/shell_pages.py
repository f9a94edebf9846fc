"""Run the commands of a page as a reader would: one shell, in order, in a folder of its own.

A ```console block holds commands after ``$ `` and what they print; ``…`` stands for anything, alone on a line for any
lines. A ```python block is a script run where the shell stands. Other blocks are not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "== end of command =="


@dataclass(frozen=True)
class Step:
    """A command and the lines that the page shows after it."""

    command: str
    shown: tuple[str, ...]


def steps(page: str) -> Iterator[Step]:
    """Every command of a page."""
    for language, content in _BLOCK.findall(page):
        if language == "python":
            yield Step(f"{shlex.quote(sys.executable)} - <<'SCRIPT'\n{content}SCRIPT", ("…",))
        elif language == "console":
            for part in re.split(r"^\$ ", content, flags=re.MULTILINE)[1:]:
                command, *shown = part.rstrip("\n").split("\n")
                yield Step(command, tuple(shown))


def run_page(page: Path, folder: Path) -> None:
    """Run a page's commands; each must end well and print what the page shows."""
    found = list(steps(page.read_text(encoding="utf-8")))
    assert found, "the page has no commands"
    script = "".join(f"{{ {_runnable(step.command)}\n}} 2>&1 || exit 1\necho; echo '{_MARK}'\n" for step in found)
    binaries = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    printed = [part.strip("\n") for part in done.stdout.split(_MARK)]
    assert done.returncode == 0, f"{found[len(printed) - 1].command}\n{printed[-1]}\n{done.stderr}"
    for step, text in zip(found, printed, strict=False):
        if step.shown:
            lines = "\n".join(_narrow(line) for line in text.splitlines())
            assert pattern(step.shown).fullmatch(lines), f"$ {step.command}\n{lines}\nis not\n" + "\n".join(step.shown)


def _runnable(command: str) -> str:
    """Targets of make are looked up and not run: they install the package that this very test runs in."""
    return re.sub(r"^make (\w+)", rf"make -n -C {shlex.quote(str(ROOT))} \1", command).replace(
        "python ", f"{shlex.quote(sys.executable)} ", 1 if command.startswith("python ") else 0
    )


def _narrow(line: str) -> str:
    """Columns of tables are as wide as their content: how wide is not compared."""
    return re.sub(" +", " ", line).rstrip()


def pattern(shown: tuple[str, ...]) -> re.Pattern[str]:
    parts = []
    for line in shown:
        text = _narrow(line)
        parts.append(r"(?:.*\n)*?" if text == "…" else re.escape(text).replace("…", ".*") + r"\n")
    whole = "".join(parts)
    return re.compile(whole + ".*" if whole.endswith("*?") else whole.removesuffix(r"\n") + r"\n?")
