"""Commands that hold other commands, quick to ask for help."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Group(TyperGroup):
    """A group whose flags are False where they are not given.

    typer's own, such as --help, are None then; what is no bool it converts with pydantic, which takes longer to import
    than typer itself.
    """

    def get_params(self, ctx: Any) -> Any:
        """All options of the group."""
        parameters: Any = super().get_params(ctx)
        for parameter in parameters:
            if parameter.default is None and getattr(parameter, "is_flag", False):
                parameter.default = False
        return parameters
