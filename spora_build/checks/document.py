"""The page of all rules, made from the rules themselves."""

from __future__ import annotations

import importlib
import sys
from itertools import groupby

from spora_build.checks.core import Rule, rules

HEADER = """# Checks

<!-- Generated from the rules in spora_build/checks: change them there, then `make docs`. -->

`spora-build validate` asks a dataset the questions below. A rule passes, fails or is skipped: because what it looks at
is not there (a partial download is fine), because a rule it builds on did not pass, or because it decompresses pixels
and masks and `--deep` was not given. It works on any spora dataset, whoever built it.

Errors make the exit code 1. Warnings and notes alone leave it 0; with `--strict`, warnings make it 1 too. A TOML file
changes the severity of single rules:

```toml
[severity]
V444 = "error"
V008 = "note"
```

Without `--deep` only tables, metadata and headers of masks are read: 2,000 tissues with two images, a tissue mask and
cells each took 6.3 CPU seconds and 380 MB of memory, start included
(`tests/benchmarks/bench_many_tissues.py validate` measures on your machine).

`--json` saves a report; given in the dataset's place it is shown again, without the dataset. Both can be narrowed, and
then the exit code counts what is left:

```sh
spora-build validate smith2023novel --deep --json > report.json
spora-build validate report.json --least error          # errors alone
spora-build validate report.json --only V4 --only tiling --places 50
spora-build validate report.json --place abcdefgh_0000  # one tissue
```
"""


def checks_page() -> str:
    """``docs/checks.md``: every rule by subject, as Markdown."""
    parts = [HEADER]
    for subject, group in groupby(sorted(rules(), key=lambda r: (_first_code(r.subject), r.code)), lambda r: r.subject):
        module = importlib.import_module(f"spora_build.checks.{subject}")
        title = " ".join((module.__doc__ or subject).split()).replace("``", "`")
        parts.append(f"## {title.rstrip('.')}\n\n" + "\n".join(_entry(rule) for rule in group) + "\n")
    return "\n".join(parts)


def _first_code(subject: str) -> str:
    return min(rule.code for rule in rules() if rule.subject == subject)


def _entry(rule: Rule) -> str:
    deep = ", `--deep`" if rule.deep else ""
    needs = f" After {', '.join(rule.needs)}." if rule.needs else ""
    remarks = f" {rule.remarks}" if rule.remarks else ""
    return f"- **{rule.code}** ({rule.severity}{deep}) {rule.message}{remarks}{needs}\n  Fix: {rule.remedy}"


if __name__ == "__main__":
    sys.stdout.write(checks_page())
