"""Values of options that need no more than their type, made without pydantic.

typer gives every value to pydantic, which takes longer to import than typer and the command's own modules together.
Whatever is not as plain as here (a value out of range, a word for a number, a path that may not be read) is left to
typer, which has the words for it.
"""

from __future__ import annotations

import os
import re
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

_NUMBERS = {int: re.compile(r"\d{1,18}", re.ASCII), float: re.compile(r"\d{1,18}(\.\d{1,18})?", re.ASCII)}


class _NotPlainError(Exception):
    """This value is for typer."""


def take_plain_values(parameter: Any) -> None:
    """Let an option or argument of typer's take plain values by itself; nothing where typer is another than known.

    What has a callback is left to typer. A flag among them that is not given, such as --help, is False.
    """
    descriptor = getattr(parameter, "type_descriptor", None)
    if descriptor is None or "process_value" in vars(parameter):
        return
    if parameter.callback is not None or descriptor.parameter_info.parser is not None:
        if parameter.default is None and getattr(parameter, "is_flag", False):
            parameter.default = False
        return
    info, ask_typer = descriptor.parameter_info, parameter.process_value
    kind, is_list = descriptor.annotation, get_origin(descriptor.annotation) is list
    if is_list:
        (kind,) = get_args(kind)

    def process_value(context: Any, value: Any) -> Any:
        try:
            if not value and parameter.required:
                raise _NotPlainError
            if value is None:
                return () if is_list else None
            return _plain_list(value, kind, info) if is_list else _plain(value, kind, info)
        except _NotPlainError:
            return ask_typer(context, value)

    parameter.process_value = process_value


def _plain_list(values: Any, kind: Any, info: Any) -> list[Any]:
    if not isinstance(values, list | tuple):
        raise _NotPlainError
    return [_plain(value, kind, info) for value in values]


def _plain(value: Any, kind: Any, info: Any) -> Any:
    if kind in (str, bool) and isinstance(value, kind):
        return value
    if kind in _NUMBERS:
        return _number(value, kind, info)
    if kind is Path and isinstance(value, str | Path):
        return _path(Path(value), info)
    if isinstance(kind, type) and issubclass(kind, Enum):
        for member in kind:
            if value is member or value == member.value:
                return member
    raise _NotPlainError


def _number(value: Any, kind: Any, info: Any) -> Any:
    if isinstance(value, str) and _NUMBERS[kind].fullmatch(value):
        value = kind(value)
    if type(value) is not kind:
        raise _NotPlainError
    if (info.min is not None and value < info.min) or (info.max is not None and value > info.max):
        raise _NotPlainError
    return value


def _path(path: Path, info: Any) -> Path:
    is_checked = info.exists or info.resolve_path or info.allow_dash or info.writable or info.path_type
    is_any = info.file_okay and info.dir_okay
    if is_checked or not is_any or (os.access(path, os.F_OK) and not os.access(path, os.R_OK)):
        raise _NotPlainError
    return path
