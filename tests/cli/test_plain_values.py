"""Options take the values that typer itself would, and refuse what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer import BadParameter

from spora_build.cli.app import app

TEXTS = (
    "0",
    "7",
    "-1",
    "99999999",
    "9" * 5000,
    " 5",
    "1.5",
    "1e3",
    "nan",
    "٣",
    "1_0",
    "",
    "refresh",
    "REFRESH",
    "word",
)


def parameters() -> Iterator[tuple[str, Any, Any, Any]]:
    """By name, each parameter without a callback, with us and as typer has it, and a context for its values."""
    own: Any = typer.main.get_command(app)
    pending = [
        ("", own, typer.main.get_command(app), own.make_context("spora-build", ["stats"], resilient_parsing=True))
    ]
    while pending:
        name, ours, typers, context = pending.pop()
        untouched = {parameter.name: parameter for parameter in typers.params}
        for parameter in ours.get_params(context):
            if parameter.name in untouched and parameter.callback is None:
                yield f"{name} {parameter.name}".strip(), parameter, untouched[parameter.name], context
        for sub in getattr(typers, "commands", ()):
            command = ours.get_command(context, sub)
            pending.append((f"{name} {sub}", command, typers.commands[sub], context))


PARAMETERS = list(parameters())
KNOWN = any(hasattr(parameter, "type_descriptor") for _, parameter, *_ in PARAMETERS)
"""Whether typer is one that converts by pydantic."""


def outcome(process: Any, context: Any, value: Any) -> Any:
    try:
        made = process(context, value)
    except BadParameter as error:
        return type(error), error.message
    return type(made), repr(made)


@pytest.mark.skipif(not KNOWN, reason="this typer converts without pydantic")
@pytest.mark.parametrize(("name", "own", "typers", "context"), PARAMETERS, ids=[name for name, *_ in PARAMETERS])
def test_values_are_those_of_typer(name: str, own: Any, typers: Any, context: Any, tmp_path: Path) -> None:
    assert "process_value" in vars(own) and "process_value" not in vars(typers)
    assert own.default == typers.default and own.get_default(context) == typers.get_default(context)
    paths = (".", str(tmp_path / "missing"), "x" * 5000, str(Path("x" * 300, "y")))
    values: list[Any] = [None, typers.get_default(context), *TEXTS, *paths]
    if own.multiple:
        values = [None, (), *((text,) for text in TEXTS), ("1", "2"), ("a", "b"), "text"]
    if getattr(own, "is_flag", False):
        values = [None, typers.default, True, False]
    for value in values:
        assert outcome(own.process_value, context, value) == outcome(typers.process_value, context, value), value


@pytest.mark.skipif(not KNOWN, reason="this typer converts without pydantic")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.R_OK)
    parameter, context = next((own, context) for name, own, _, context in PARAMETERS if name == "stats dataset")
    with pytest.raises(BadParameter, match="not readable"):
        parameter.process_value(context, str(tmp_path))


def test_a_flag_that_is_not_given_leaves_the_word_to_the_settings(tmp_path: Path) -> None:
    root: Any = typer.main.get_command(app)
    context = root.make_context("spora-build", ["convert", str(tmp_path)])
    assert root.get_command(context, "convert").make_context("convert", [str(tmp_path)]).params["pyramid"] is None


def test_plain_values_need_no_pydantic(tmp_path: Path) -> None:
    script = """
import sys
from spora_build.cli.app import main
try:
    main()
finally:
    print("pydantic" in sys.modules)
"""
    words = ["tile", "--dataset", str(tmp_path), "--jobs", "1", "--existing", "skip"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False"], done.stderr
