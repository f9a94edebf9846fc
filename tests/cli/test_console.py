"""Lines between words on a terminal, whole in a log, and in letters that the terminal has."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from spora_build.cli.console import _console, show_line
from spora_build.cli.plain_letters import PLAIN

TEXT = "[bold]E-X-001[/bold] " + " ".join(f"word{number}" for number in range(30))
LONG_NAME = "a" * 90


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [20, 60, 100])
def test_words_are_not_broken_on_a_terminal(width: int) -> None:
    file = Terminal()
    show_line(TEXT, indent=4, console=Console(file=file, width=width, color_system=None))
    first, *rest = file.getvalue().splitlines()
    assert first.startswith("E-X-001")
    assert rest and all(line.startswith("    word") and len(line) <= max(width, 24) for line in rest)
    assert file.getvalue().split() == TEXT.replace("[bold]", "").replace("[/bold]", "").split()


def test_a_word_longer_than_the_terminal_loses_nothing() -> None:
    file = Terminal()
    show_line(LONG_NAME, indent=2, console=Console(file=file, width=40, color_system=None))
    assert "".join(file.getvalue().split()) == LONG_NAME


def test_a_log_has_one_line() -> None:
    file = io.StringIO()
    show_line(TEXT, indent=4, console=Console(file=file, width=40))
    assert len(file.getvalue().splitlines()) == 1


def test_a_terminal_without_colours_has_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "61")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert _console(stderr=False).width == 61


def test_letters_that_a_terminal_lacks_become_plain_ones() -> None:
    assert "5 × 60 µm → …, Å".encode("ascii", PLAIN) == b"5 x 60 um -> ..., ?"
    assert "5 × 60 µm".encode("latin-1", PLAIN).decode("latin-1") == "5 × 60 µm"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", PLAIN)
