"""CODEX stacks of cycles × channels: their planes are channels where a list beside them names every one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_LIST = re.compile(r"channel[\s_-]?names?\.txt", re.IGNORECASE)
_MAX_BYTES = 100_000
_LONGEST_NAME = 60


def cycle_names(path: Path, sizes: Mapping[str, int]) -> tuple[str, ...]:
    """A name for every plane, first the channels of the first cycle; none where no list has as many as planes.

    ``sizes`` are the axes of planes: C and one other have to be long, the cycles. ``channelnames.txt`` is looked for
    in the folder of the file and the one above.
    """
    long = {axis: size for axis, size in sizes.items() if size > 1}
    if len(long) != 2 or "C" not in long:
        return ()
    first, second = long.values()
    for folder in (path.parent, path.parent.parent):
        try:
            lists = sorted(file for file in folder.iterdir() if _LIST.fullmatch(file.name) and file.is_file())
        except OSError:
            continue
        for file in lists:
            names = read_name_list(file)
            if len(names) == first * second:
                return names
    return ()


def read_name_list(path: Path) -> tuple[str, ...]:
    """One name a line; nothing where the lines are a table or sentences, or the file cannot be read."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            return ()
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        return ()
    return () if any("\t" in line or len(line) > _LONGEST_NAME for line in lines) else tuple(lines)
