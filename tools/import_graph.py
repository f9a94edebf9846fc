"""Draw the rooms of the package and who imports whom, for docs/architecture.md."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "spora_build"
GROUND = ("errors", "model")
"""Imported by all, and drawn without the arrows."""
BEGIN, END = "<!-- rooms of workflows: made by tools/import_graph.py -->", "<!-- end of rooms of workflows -->"
BOX_WIDTH, BOX_HEIGHT, STEP_X, STEP_Y, MARGIN = 112, 32, 124, 92, 12


def imported_rooms(folder: Path) -> dict[str, set[str]]:
    """Every room (folder or module) directly below a package's folder, and the rooms there that it imports."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.rglob("*.py")):
        room = file.relative_to(folder).parts[0].removesuffix(".py")
        if room != "__init__":
            found.setdefault(room, set()).update(_imports(file, folder) - {room})
    return {room: others & found.keys() for room, others in found.items()}


def _imports(file: Path, folder: Path) -> set[str]:
    modules: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    start = ".".join(folder.relative_to(PACKAGE.parent).parts) + "."
    return {module.removeprefix(start).split(".")[0] for module in modules if module.startswith(start)}


def import_graph() -> str:
    """The rooms of the package as SVG, each above what it imports; arrows that others imply are pale."""
    rooms = {room: others - {*GROUND} for room, others in imported_rooms(PACKAGE).items() if room not in GROUND}
    rows = _rows(rooms)
    places = _places(rooms, rows)
    width, ground_y = len(rows[0]) * STEP_X + 2 * MARGIN, MARGIN + len(rows) * STEP_Y
    arrows = [(a, b, _is_implied(rooms, a, b)) for a in sorted(rooms) for b in sorted(rooms[a])]
    lines = [_arrow(places[a], places[b], "#ddd") for a, b, implied in arrows if implied]
    lines += [_arrow(places[a], places[b], "#00796b") for a, b, implied in arrows if not implied]
    boxes = [_box(x, y, BOX_WIDTH, room) for room, (x, y) in sorted(places.items())]
    boxes.append(_box(width / 2, ground_y, width - 2 * MARGIN, ", ".join(GROUND)))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {ground_y + BOX_HEIGHT + MARGIN}"'
        ' font-family="sans-serif" font-size="14" text-anchor="middle">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *lines, *boxes, "</svg>\n"])


def _places(rooms: Mapping[str, set[str]], rows: Sequence[Sequence[str]]) -> dict[str, tuple[float, float]]:
    """Top centre of every box: rooms of a row side by side, one alone above the middle of what it alone leads to."""
    places: dict[str, tuple[float, float]] = {}
    width = len(rows[0]) * STEP_X
    for level, row in enumerate(rows):
        for column, room in enumerate(row):
            x = MARGIN + (column + 0.5) * width / len(row)
            if len(row) == 1:
                below = [places[other][0] for other in rooms[room] if not _is_implied(rooms, room, other)]
                x = sum(below) / len(below)
            places[room] = (x, MARGIN + (len(rows) - 1 - level) * STEP_Y)
    return places


def _rows(rooms: Mapping[str, set[str]]) -> list[list[str]]:
    """Rooms by how many steps of imports lie below them, from the lowest row; in a row, those that few
    import stand first and those that only the top imports last."""
    rows: list[list[str]] = []
    imported = set().union(*rooms.values())
    importers = Counter(other for others in rooms.values() for other in others)
    left = dict(rooms)
    while left:
        row = [room for room, others in left.items() if not others & left.keys()]
        row.sort(key=lambda room: (not any(room in rooms[other] for other in imported), importers[room], room))
        if not row:
            raise ValueError(f"these rooms import each other: {', '.join(sorted(left))}")
        rows.append(row)
        left = {room: others for room, others in left.items() if room not in row}
    return rows


def _is_implied(rooms: Mapping[str, set[str]], above: str, below: str) -> bool:
    """Whether a room imports another also by way of a third."""
    return any(
        below == other or _is_implied(rooms, other, below) for via in rooms[above] - {below} for other in rooms[via]
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]:g}" y1="{start[1] + BOX_HEIGHT:g}" x2="{end[0]:g}" y2="{end[1]:g}" stroke="{colour}"'
        ' stroke-width="1.5"/>'
    )


def _box(x: float, y: float, width: float, text: str) -> str:
    return (
        f'<rect x="{x - width / 2:g}" y="{y:g}" width="{width}" height="{BOX_HEIGHT}" rx="5" fill="#f4f7f6"'
        ' stroke="#555"/>'
        f'<text x="{x:g}" y="{y + BOX_HEIGHT / 2 + 5:g}">{text}</text>'
    )


def with_rooms_of_workflows(page: str) -> str:
    """A page with the table of the rooms of workflows/ between its two marks. Raises ValueError where it has none."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError("the page has no place for the rooms of workflows")
    rooms = imported_rooms(PACKAGE / "workflows")
    order = [room for row in _rows(rooms) for room in row]
    lines = ["| room of `workflows/` | imports |", "|---|---|"]
    lines += [f"| `{room}` | {', '.join(sorted(rooms[room], key=order.index))} |" for room in order]
    return "\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"])
