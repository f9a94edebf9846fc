"""Commands that hold other commands, quick to ask for help and to begin."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from spora_build.cli.plain_values import take_plain_values


class Group(TyperGroup):
    """A group whose options, and those of its commands, take plain values without pydantic."""

    def get_params(self, ctx: Any) -> Any:
        """All options of the group."""
        return _plain(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name."""
        command: Any = super().get_command(ctx, cmd_name)
        if command is not None:
            _plain(command.get_params(ctx))
        return command


def _plain(parameters: Any) -> Any:
    for parameter in parameters:
        take_plain_values(parameter)
    return parameters
