"""A folder as a tree, long lists shortened and folders of the same content shown once."""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape
from rich.tree import Tree

from spora_build.cli.console import out

MOST_ENTRIES = 6


def show_tree(folder: Path, *, fold: bool = True) -> None:
    """Print the folders and files below; an image store is one entry, and with ``fold`` so is a folder of the same
    names as one shown before it.
    """
    tree = Tree(f"[bold]{escape(folder.name)}/[/bold]", guide_style="dim")
    _grow(tree, folder, fold, most=2 * MOST_ENTRIES)
    out.print(tree)


def _grow(tree: Tree, folder: Path, fold: bool, most: int = MOST_ENTRIES) -> None:
    entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
    shown: dict[frozenset[str], str] = {}
    for entry in entries[:most]:
        if not entry.is_dir() or entry.name.endswith(".zarr"):
            tree.add(f"{escape(entry.name)}  [dim]{_size(entry)}[/dim]", style="not bold")
            continue
        content = _content(entry)
        twin = shown.setdefault(content, entry.name)
        if fold and twin != entry.name and len(content) > 1:
            tree.add(f"{escape(entry.name)}/  [not bold dim]like {escape(twin)}[/not bold dim]", style="bold")
        else:
            _grow(tree.add(f"{escape(entry.name)}/", style="bold"), entry, fold)
    if len(entries) > most:
        tree.add(f"[dim]… {len(entries) - most} more[/dim]")


def _content(folder: Path) -> frozenset[str]:
    """Names of everything below a folder, image stores as they come."""
    found: set[str] = set()
    for entry in folder.iterdir():
        found.add(entry.name)
        if entry.is_dir() and not entry.name.endswith(".zarr"):
            found |= {f"{entry.name}/{below}" for below in _content(entry)}
    return frozenset(found)


def _size(path: Path) -> str:
    size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
