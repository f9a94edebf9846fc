"""Write docs/messages.md: every problem that the code can tell of, with what to do, read from the code itself."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from spora_build.submission.problems import CATALOGUE

PACKAGE = Path(__file__).parent.parent / "spora_build"
CODE = re.compile(r"^[EWN]-[A-Z]+-\d{3}$")
HEADER = """# Messages

<!-- Generated from the code by tools/messages_page.py: change the message there, then `make docs`. -->

Every message has a code that stays the same: search this page for it. `E` stops (or fails one tissue), `W` asks for a
look, `N` only tells. `{…}` stands for facts about the case. What can be wrong with sheets and settings has
[a page of its own](problems.md), and so have [the rules that `validate` asks](checks.md).

"""


class Message(NamedTuple):
    """One problem as the code spells it."""

    code: str
    what: str
    remedy: str


def messages_page() -> str:
    """The page as Markdown: a table per subject."""
    subjects: dict[str, list[Message]] = defaultdict(list)
    for message in sorted(set(messages()), key=lambda m: (m.code[2:], m)):
        subjects[message.code.split("-")[1]].append(message)
    parts = [HEADER]
    for subject, found in sorted(subjects.items()):
        parts.append(f"## {subject}\n\n| code | what | what to do |\n|---|---|---|\n")
        parts += [f"| `{m.code}` | {_cell(m.what)} | {_cell(m.remedy)} |\n" for m in found]
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def messages() -> Iterator[Message]:
    """Every call with a code, a message and a remedy as its first three arguments, but for those of sheets."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) >= 3:
                code, what, remedy = (_text(argument) for argument in node.args[:3])
                if CODE.match(code) and code not in CATALOGUE:
                    yield Message(code, what, remedy)


def _text(node: ast.expr) -> str:
    """The text of an expression; what is only known at run time is ``{…}``."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return "{…}"


def _cell(text: str) -> str:
    plain = " ".join(text.split()).replace("|", "\\|")
    return re.sub(r"<(?=[a-zA-Z])", "&lt;", plain)
