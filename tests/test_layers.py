"""The house: imports go down only, and the wings do not know each other."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "spora_build"
WINGS = {"readers", "submission", "nomenclature", "privacy", "pixels", "report", "store", "transfer"}
GROUND = {"errors", "model"}
ALLOWED = {
    "errors": set(),
    "model": {"errors"},
    **dict.fromkeys(WINGS, GROUND),
    "checks": GROUND | {"store"},
    "segmenters": GROUND | {"pixels"},
    "workflows": GROUND | WINGS | {"checks", "segmenters"},
    "example": GROUND,
    "api": GROUND | WINGS | {"checks", "segmenters", "workflows"},
    "cli": GROUND | WINGS | {"checks", "segmenters", "workflows", "example"},
}

STAGES = [
    *("running", "planning", "dataset", "drafting", "images", "masks", "cells", "tiles", "statistics", "checking"),
    *("reporting", "bucket", "convert", "build", "doctor"),
]
"""Rooms of ``workflows`` in an order in which each imports earlier ones only."""


def rooms_imported_by(file: Path, package: str = "spora_build") -> set[str]:
    """Rooms of a package that a file imports from."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    start = f"{package}."
    return {name.removeprefix(start).split(".")[0] for name in names if name.startswith(start)}


def room_of(file: Path) -> str:
    """Folder or module directly below the package."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_imports_go_down_only() -> None:
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {room}"
        for file in PACKAGE.rglob("*.py")
        if room_of(file) in ALLOWED
        for room in rooms_imported_by(file) & ALLOWED.keys()
        if room != room_of(file) and room not in ALLOWED[room_of(file)]
    ]
    assert not wrong


def test_stages_import_earlier_stages_only() -> None:
    wrong = []
    for file in (PACKAGE / "workflows").rglob("*.py"):
        room = file.relative_to(PACKAGE / "workflows").parts[0].removesuffix(".py")
        if room != "__init__":
            later = {*STAGES[STAGES.index(room) + 1 :]}
            found = rooms_imported_by(file, "spora_build.workflows")
            wrong += [f"{file.relative_to(PACKAGE)} imports {other}" for other in found & later]
    assert not wrong


def test_every_room_has_rules() -> None:
    rooms = {room_of(file) for file in PACKAGE.rglob("*.py")} - {"__init__", "templates"}
    assert rooms <= ALLOWED.keys()


def test_no_rooms_without_an_idea() -> None:
    assert not [f for f in PACKAGE.rglob("*.py") if f.stem in {"utils", "helpers", "common", "misc"}]
