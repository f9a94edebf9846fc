"""A folder as a tree, long lists shortened."""

from __future__ import annotations

from pathlib import Path

from rich.tree import Tree

from spora_build.cli.console import out

MOST_ENTRIES = 6


def show_tree(folder: Path) -> None:
    """Print the folders and files below; an image store is one entry."""
    tree = Tree(f"[bold]{folder.name}/[/bold]", guide_style="dim")
    _grow(tree, folder)
    out.print(tree)


def _grow(tree: Tree, folder: Path) -> None:
    entries = sorted(folder.iterdir(), key=lambda entry: (entry.is_file(), entry.name))
    for entry in entries[:MOST_ENTRIES]:
        if entry.is_dir() and not entry.name.endswith(".zarr"):
            _grow(tree.add(f"{entry.name}/", style="bold"), entry)
        else:
            tree.add(f"{entry.name}  [dim]{_size(entry)}[/dim]", style="not bold")
    if len(entries) > MOST_ENTRIES:
        tree.add(f"[dim]… {len(entries) - MOST_ENTRIES} more[/dim]")


def _size(path: Path) -> str:
    size = sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
