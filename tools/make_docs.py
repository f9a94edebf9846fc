"""Write every generated page below docs/; ``make docs`` runs this and then builds the site."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import spora_build
from spora_build.checks.document import checks_page
from spora_build.example.cohort import write_example
from spora_build.submission.problems import catalogue_markdown
from tools.cli_page import cli_page
from tools.format_page import format_page
from tools.import_graph import import_graph, with_rooms_of_workflows
from tools.messages_page import messages_page
from tools.python_page import python_page
from tools.readers_page import readers_page

DOCS = Path(__file__).parent.parent / "docs"


def architecture_page() -> str:
    """The hand-written page with today's imports."""
    return with_rooms_of_workflows((DOCS / "architecture.md").read_text(encoding="utf-8"))


def built_format_page() -> str:
    """The format page, after building the example cohort."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw"
        write_example(raw)
        return format_page(spora_build.convert(raw, out=folder, jobs=1).root)


PAGES: dict[str, Callable[[], str]] = {
    "architecture.md": architecture_page,
    "assets/import-graph.svg": import_graph,
    "checks.md": checks_page,
    "cli.md": cli_page,
    "format.md": built_format_page,
    "messages.md": messages_page,
    "problems.md": catalogue_markdown,
    "python.md": python_page,
    "readers/index.md": readers_page,
}


def main() -> None:
    """Write the pages that changed, and say which."""
    for name, make in PAGES.items():
        path, page = DOCS / name, make()
        if not path.exists() or path.read_text(encoding="utf-8") != page:
            path.write_text(page, encoding="utf-8")
            sys.stdout.write(f"docs/{name} is new\n")


if __name__ == "__main__":
    main()
