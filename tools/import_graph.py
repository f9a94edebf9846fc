"""Draw the rooms of the package and who imports whom, for docs/architecture.md."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "spora_build"
BEGIN, END = "<!-- import graph: made by tools/import_graph.py -->", "<!-- end of import graph -->"


def edges() -> Counter[tuple[str, str]]:
    """(room, room it imports) and in how many files."""
    counts: Counter[tuple[str, str]] = Counter()
    for file in sorted(PACKAGE.rglob("*.py")):
        room = room_of(file)
        if room != "__init__":
            counts.update((room, other) for other in _imported(file) - {room})
    return counts


def room_of(file: Path) -> str:
    """Folder or module directly below the package."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported(file: Path) -> set[str]:
    rooms: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("spora_build"):
            modules = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        rooms |= {module.split(".")[1] for module in modules if module.startswith("spora_build.")}
    return {room for room in rooms if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()}


def mermaid() -> str:
    """The graph; the ground (errors, model) is imported by all and shown without its arrows."""
    counts = edges()
    ground = {"errors", "model"}
    rooms = sorted({room for edge in counts for room in edge} - ground)
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"    {room}[{room}]" for room in rooms]
    lines += ["    ground[errors, model]:::ground"]
    lines += [f"    {a} --> {b}" for a, b in sorted(counts) if not {a, b} & ground]
    leaves = [room for room in rooms if not any(a == room and b not in ground for a, b in counts)]
    lines += [f"    {room} --> ground" for room in leaves]
    return "\n".join([*lines, "    classDef ground stroke-dasharray: 3 3", "```"])


def with_graph(page: str) -> str:
    """A page with the graph between its two marks. Raises ValueError where it has none."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError("the page has no place for the import graph")
    return f"{before}{BEGIN}\n{mermaid()}\n{END}{after}"
