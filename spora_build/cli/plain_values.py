"""Values of options that need no more than their type, made without pydantic.

typer gives every value to pydantic, which takes longer to import than typer and the command's own modules together.
Whatever is not as plain as here (a value out of range, a word for a number, a path that may not be read) is left to
typer, which has the words for it.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

_NUMBERS = {int: re.compile(r"\d+", re.ASCII), float: re.compile(r"\d+(\.\d+)?", re.ASCII)}


class _NotPlainError(ValueError):
    """This value is for typer."""


def take_plain_values(parameter: Any) -> None:
    """Let an option or argument of typer's take plain values by itself; nothing where typer is another than known.

    A flag that is not given, such as --help, is False.
    """
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None:
        return
    if parameter.default is None and getattr(parameter, "is_flag", False):
        parameter.default = False
    is_taken = "process_value" in vars(parameter)
    if is_taken or parameter.callback is not None or descriptor.parameter_info.parser is not None:
        return
    info, ask_typer = descriptor.parameter_info, parameter.process_value
    kind, is_list = descriptor.annotation, get_origin(descriptor.annotation) is list
    if is_list:
        (kind,) = get_args(kind)

    def process_value(context: Any, value: Any) -> Any:
        with suppress(_NotPlainError):
            if value is None and not parameter.required:
                return () if is_list else None
            if is_list and isinstance(value, list | tuple):
                return [_plain(one, kind, info) for one in value]
            if not is_list:
                return _plain(value, kind, info)
        return ask_typer(context, value)

    parameter.process_value = process_value


def _plain(value: Any, kind: Any, info: Any) -> Any:
    if kind is str and isinstance(value, str):
        return value
    if kind in _NUMBERS:
        return _number(value, kind, info)
    if kind is Path and isinstance(value, str | Path) and not (info.exists or info.resolve_path or info.allow_dash):
        return _path(Path(value))
    if isinstance(kind, type) and issubclass(kind, Enum):
        for member in kind:
            if value is member or value == member.value:
                return member
    raise _NotPlainError


def _number(value: Any, kind: Any, info: Any) -> Any:
    if isinstance(value, str) and _NUMBERS[kind].fullmatch(value):
        value = kind(value)
    in_range = (
        type(value) is kind and (info.min is None or value >= info.min) and (info.max is None or value <= info.max)
    )
    if not in_range:
        raise _NotPlainError
    return value


def _path(path: Path) -> Path:
    if path.exists() and not os.access(path, os.R_OK):
        raise _NotPlainError
    return path
