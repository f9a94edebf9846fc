"""``spora.toml`` and the flags laid over it, checked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spora_build.errors import Problem
from spora_build.submission.problems import problem
from spora_build.submission.settings_types import (
    CODEC_NAMES,
    Allow,
    Bin,
    Cap,
    Cells,
    ColumnAction,
    DaysSince,
    Drop,
    Hash,
    Mask,
    Mpp,
    Privacy,
    Settings,
    Statistics,
    Tiling,
)
from spora_build.submission.settings_values import (
    Converter,
    RejectedError,
    choice,
    column_action,
    column_name,
    dataset_name,
    flag,
    list_of,
    mask_option,
    modality_name,
    mpp,
    mpp_number,
    number,
    plane,
    table_column,
    text,
    whole,
)
from spora_build.submission.spelling import closest
from spora_build.submission.strange_files import strange_file

__all__ = [
    "Allow",
    "Bin",
    "Cap",
    "Cells",
    "ColumnAction",
    "DaysSince",
    "Drop",
    "Hash",
    "Mask",
    "Mpp",
    "Privacy",
    "Settings",
    "Statistics",
    "Tiling",
    "load_settings",
]

FILE = "spora.toml"
MAX_SETTINGS_BYTES = 4_000_000
TOP: Mapping[str, Converter] = {
    "name": dataset_name,
    "mpp": list_of(mpp),
    "pyramid": flag,
    "id_scheme": choice("keyed", "spora", "random"),
    "keep_original_ids": flag,
    "allow_upsampling": flag,
    "codec": choice(*CODEC_NAMES),
    "nonfinite": choice("error", "zero"),
}
SECTIONS: Mapping[str, Mapping[str, Converter]] = {
    "mpp_override": {},
    "tiling": {
        "sizes": list_of(whole(1, 65536)),
        "mpp": list_of(mpp),
        "strategy": choice("default", "grid"),
        "stride": whole(1, 65536),
        "tolerance": number(0, 1),
        "coverage_goal": number(0, 1, above=True),
        "min_gain_ratio": number(0, 1),
    },
    "statistics": {"upper_quantile": number(0, 1, above=True), "lower_quantile": number(0, 1)},
    "mask": {"method": text},
    "cells": {
        "tasks": list_of(column_name),
        "background_label": whole(0, 2**32 - 1),
        "border_label": whole(0, 2**32 - 1),
        "split_components": flag,
        "plane": plane,
        "table": text,
    },
    "privacy": {"min_k": whole(1, 1_000_000)},
}
_ERROR_LINE = re.compile(r" \(at line (\d+), column \d+\)| \(at end of document\)")


@dataclass(frozen=True)
class _Entry:
    section: str
    """Empty for the top of the file."""
    key: str
    value: Any
    row: int | None
    """None for a flag."""

    @property
    def name(self) -> str:
        return f"{self.section}.{self.key}" if self.section else self.key


def load_settings(root: Path, overrides: Mapping[str, object]) -> tuple[Settings, list[Problem]]:
    """Settings of ``root/spora.toml`` (all defaults where there is none) with ``overrides`` laid over.

    Keys of ``overrides`` are dotted: ``mpp``, ``tiling.sizes``, ``mpp_override.imc``; None means not given.
    A value that is wrong is reported and its default taken.
    """
    document, rows, problems = _read_toml(root / FILE)
    chosen: dict[str, dict[str, Any]] = {name: {} for name in ("", "options", "columns", *SECTIONS)}
    entries = list(_entries(document, rows))
    for dotted, value in overrides.items():
        if value is not None:
            top, dot, rest = dotted.partition(".")
            entries += _entries({top: {rest: value}} if dot else {top: value}, {})
    for entry in entries:
        try:
            _take(entry, chosen)
        except RejectedError as error:
            file = FILE if entry.row is not None else None
            shown = str(entry.value) if isinstance(entry.value, (str, int, float)) else None
            problems.append(problem(error.code, file, entry.row, entry.name, shown, **error.facts))
    _drop_contradictions(chosen, rows, problems)
    settings = Settings(
        **chosen[""],
        mpp_override=chosen["mpp_override"],
        tiling=Tiling(**chosen["tiling"]),
        statistics=Statistics(**chosen["statistics"]),
        mask=Mask(**chosen["mask"], options=chosen["options"]),
        cells=Cells(**chosen["cells"]),
        privacy=Privacy(**chosen["privacy"], columns=chosen["columns"]),
    )
    return settings, problems


def _read_toml(path: Path) -> tuple[dict[str, Any], dict[str, int], list[Problem]]:
    """The document, the row of each setting by dotted name, and why there is none."""
    strange = strange_file(path, path.parent, FILE)
    if strange:
        return {}, {}, [strange]
    try:
        if path.stat().st_size > MAX_SETTINGS_BYTES:
            return {}, {}, [problem("E-SHEET-009", FILE, limit=MAX_SETTINGS_BYTES // 1_000_000)]
        content = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return {}, {}, []
    except UnicodeDecodeError:
        return {}, {}, [problem("E-SET-009", FILE)]
    except OSError as error:
        return {}, {}, [problem("E-SHEET-014", FILE, reason=error.strerror or "unknown")]
    try:
        return tomllib.loads(content), _rows(content), []
    except RecursionError:
        return {}, {}, [problem("E-SET-001", FILE, reason="it is nested too deeply")]
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line = _ERROR_LINE.search(message)
        row = int(line[1]) if line and line[1] else len(content.splitlines()) or 1
        reason = _ERROR_LINE.sub("", message).rstrip(".")
        return {}, {}, [problem("E-SET-001", FILE, row, reason=reason[:1].lower() + reason[1:])]
    except ValueError:  # TOMLDecodeError is one too: this is a number of thousands of digits
        return {}, {}, [problem("E-SET-001", FILE, reason="a number in it is far too long")]


def _rows(content: str) -> dict[str, int]:
    """Rows of keys and section heads, found as a person would: by the text at the start of a line."""
    rows: dict[str, int] = {}
    section = ""
    for row, line in enumerate(content.splitlines(), start=1):
        head = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        pair = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""", line)
        if head:
            section = re.sub(r"[\"'\s]", "", head[1])
            rows.setdefault(section, row)
        elif pair:
            key = re.sub(r"[\"']", "", pair[1])
            rows.setdefault(f"{section}.{key}" if section else key, row)
    return rows


def _entries(document: Mapping[str, Any], rows: Mapping[str, int]) -> Iterator[_Entry]:
    """Every setting of a document, sections unfolded; ``[privacy.columns]`` down to ``table.column``."""
    default = 1 if rows else None
    for top, value in document.items():
        if top not in SECTIONS or not isinstance(value, Mapping):
            yield _Entry("", top, value, rows.get(top, default))
            continue
        for key, item in value.items():
            row = rows.get(f"{top}.{key}", rows.get(top, default))
            if top == "privacy" and key == "columns" and isinstance(item, Mapping):
                for column, action in _columns(item):
                    yield _Entry("privacy.columns", column, action, rows.get(f"privacy.columns.{column}", row))
            else:
                yield _Entry(top, key, item, row)


def _columns(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """``clinical.age`` without quotes is a table in a table: both spellings mean the column."""
    for name, value in table.items():
        if "." not in name and isinstance(value, Mapping) and name.lower() in ("clinical", "tissues", "cells"):
            yield from ((f"{name}.{column}", action) for column, action in value.items())
        else:
            yield name, value


def _take(entry: _Entry, chosen: dict[str, dict[str, Any]]) -> None:
    """Convert one setting into ``chosen``. Raises RejectedError."""
    section, key, value = entry.section, entry.key, entry.value
    if section == "privacy.columns":
        chosen["columns"][table_column(key)] = column_action(value)
    elif section == "mpp_override":
        chosen[section][modality_name(key)] = mpp_number(value)
    elif (key in SECTIONS and not section) or entry.name == "privacy.columns":
        raise RejectedError("E-SET-003", found="one value", expected="a section", example=f"[{entry.name}]")
    elif key in (converters := SECTIONS[section] if section else TOP):
        chosen[section][key] = converters[key](value)
    elif section == "mask":
        chosen["options"][key] = mask_option(value)
    else:
        raise RejectedError("E-SET-002", suggestion=_suggestion(section, key))


def _suggestion(section: str, key: str) -> str:
    here = [*(SECTIONS[section] if section else [*TOP, *SECTIONS])]
    here += ["columns"] if section == "privacy" else []
    near = closest(key, here, cutoff=0.7)
    if near:
        return f"write {near!r} if that is what you mean."
    home = next((name for name, keys in SECTIONS.items() if key in keys and name != section), None)
    if home:
        return f"write it below [{home}]."
    if section and key in TOP:
        return "write it at the top of the file, above the first section."
    return f"delete it, or choose among {', '.join(here)}." if here else "delete it."


def _drop_contradictions(chosen: dict[str, dict[str, Any]], rows: Mapping[str, int], problems: list[Problem]) -> None:
    """Settings that are right alone and wrong together fall back to their defaults, with a problem."""

    def refuse(section: str, key: str, expected: str) -> None:
        value = str(chosen[section].pop(key))
        file, row = (FILE, rows.get(f"{section}.{key}")) if rows else (None, None)
        problems.append(problem("E-SET-004", file, row, f"{section}.{key}", value, expected=expected))

    defaults = {field.name: field.default for field in fields(Statistics)}
    both = {**defaults, **chosen["statistics"]}
    if both["lower_quantile"] is not None and both["lower_quantile"] >= both["upper_quantile"]:
        refuse("statistics", "lower_quantile", "a number below upper_quantile")
    border = chosen["cells"].get("border_label")
    if border is not None and border == chosen["cells"].get("background_label", Cells.background_label):
        refuse("cells", "border_label", "another label than background_label")
