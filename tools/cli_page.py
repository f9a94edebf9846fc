"""Write docs/cli.md: every command with its arguments and options, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
import typer.main
from typer.models import ArgumentInfo, OptionInfo

from spora_build.cli.app import app
from spora_build.errors import ExitCode

HEADER = """# The command line

<!-- Generated from the commands by tools/cli_page.py: change them in spora_build/cli, then `make docs`. -->

Run inside a dataset's folder, or in a folder with exactly one dataset, every stage finds it by itself, as git finds its
repository. Results go to stdout, problems and progress to stderr. `NO_COLOR=1` turns colours off.
`spora-build --install-completion` teaches your shell the commands. The same as functions: [Python](python.md).
"""
EXITS = {
    ExitCode.OK: "done",
    ExitCode.INVALID_DATA: "the data breaks a rule or cannot be read",
    ExitCode.USAGE: "the command or its options make no sense here",
    ExitCode.PARTIAL: "some tissues failed; the rest is good",
    ExitCode.PRIVACY: "something may identify a patient and nobody has decided about it",
    ExitCode.ENVIRONMENT: "the machine is at fault: disk, memory, permissions, a missing codec",
    ExitCode.INTERRUPTED: "interrupted",
}


def cli_page() -> str:
    """The page as Markdown."""
    parts = [HEADER, "## Exit codes\n\n| code | meaning |\n|---|---|\n"]
    parts += [f"| {int(code)} | {meaning} |\n" for code, meaning in EXITS.items()]
    parts += [_section(name, command) for name, command in commands()]
    return "".join(parts)


def commands(group: typer.Typer = app, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command by its full name, such as ``ids show``, with its function, in the order that the help has."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield prefix + (command.name or command.callback.__name__.replace("_", "-")), command.callback
    for below in group.registered_groups:
        assert below.typer_instance is not None
        yield from commands(below.typer_instance, f"{prefix}{below.name} ")


def _section(name: str, command: Callable[..., Any]) -> str:
    text, _, example = inspect.cleandoc(command.__doc__ or "").partition("Example:")
    lines = [f"\n## {name}\n\n{' '.join(text.split())}\n\n"]
    if example:
        lines.append(f"```sh\n{example.strip().strip('`')}\n```\n\n")
    hints = get_type_hints(command, include_extras=True)
    parameters = inspect.signature(command).parameters.values()
    if parameters:
        lines.append("| | | default |\n|---|---|---|\n")
        flags = flags_of(name)
        lines += [_row(parameter, hints[parameter.name], flags[parameter.name]) for parameter in parameters]
    return "".join(lines)


def flags_of(name: str) -> dict[str, list[str]]:
    """How each parameter of a command is written, as the parser takes it."""
    parser: Any = typer.main.get_command(app)
    for word in name.split():
        parser = parser.commands[word]
    return {parameter.name: [*parameter.opts, *parameter.secondary_opts] for parameter in parser.params}


def _row(parameter: inspect.Parameter, hint: Any, flags: list[str]) -> str:
    kind, info = get_args(hint)[:2]
    assert get_origin(hint) is Annotated
    kinds = [part for part in get_args(kind) if part is not NoneType] if isinstance(kind, UnionType) else [kind]
    shown = _kind(kinds[0])
    if isinstance(info, ArgumentInfo):
        name = f"`{parameter.name.upper()}`"
    else:
        assert isinstance(info, OptionInfo)
        name = f"{', '.join(f'`{flag}`' for flag in flags)} {shown}".strip()
    text = " ".join((info.help or "").split()).replace("|", "\\|")
    return f"| {name} | {text} | {_default(parameter)} |\n"


def _kind(kind: Any) -> str:
    """What an option takes: nothing (a flag), N, X, a word of a list, or PATH, TEXT."""
    if get_origin(kind) is list:
        return f"{_kind(get_args(kind)[0])} …"
    if issubclass(kind, Enum):
        return " \\| ".join(str(member.value) for member in kind)
    return {bool: "", int: "N", float: "X", str: "TEXT"}.get(kind, kind.__name__.upper())


def _default(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if default is inspect.Parameter.empty:
        return "needed"
    if default is None or default is False or str(default) == ".":
        return ""
    return f"`{default.value if isinstance(default, Enum) else default}`"
