"""Options take the values that typer itself would, and refuse what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer import BadParameter
from typer.core import TyperGroup

from spora_build.cli.app import app

TEXTS = (
    "0",
    "7",
    "-1",
    "99999999",
    " 5",
    "1.5",
    "1e3",
    "nan",
    "٣",
    "1_0",
    "",
    "refresh",
    "REFRESH",
    "error",
    "word",
    ".",
)


def parameters() -> Iterator[tuple[str, Any, Any]]:
    root: Any = typer.main.get_command(app)
    pending = [("", root, root.make_context("spora-build", ["stats"], resilient_parsing=True))]
    while pending:
        name, command, context = pending.pop()
        for parameter in command.get_params(context):
            yield f"{name} {parameter.name}".strip(), parameter, context
        if isinstance(command, TyperGroup):
            pending += [(f"{name} {sub}", command.get_command(context, sub), context) for sub in command.commands]


PARAMETERS = list(parameters())


def outcome(process: Any, context: Any, value: Any) -> Any:
    try:
        made = process(context, value)
    except BadParameter as error:
        return type(error), error.message
    return type(made), repr(made)


@pytest.mark.parametrize(("name", "parameter", "context"), PARAMETERS, ids=[name for name, *_ in PARAMETERS])
def test_values_are_those_of_typer(name: str, parameter: Any, context: Any, tmp_path: Path) -> None:
    if parameter.callback is not None:
        pytest.skip("left to typer")
    files = (str(tmp_path), str(tmp_path / "missing"))
    values: list[Any] = [None, parameter.get_default(context), *TEXTS, *files]
    if parameter.multiple:
        values = [None, (), *((text,) for text in TEXTS), ("1", "2"), ("a", "b"), "text"]
    if getattr(parameter, "is_flag", False):
        values = [True, False]
    for value in values:
        own = outcome(parameter.process_value, context, value)
        assert own == outcome(lambda *given: type(parameter).process_value(parameter, *given), context, value), value


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    parameter, context = next((p, c) for name, p, c in PARAMETERS if name == "stats dataset")
    with pytest.raises(Exception, match="not readable"):
        parameter.process_value(context, str(tmp_path))


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
