"""What a rule is, how the rules are found, and how they are run. Nothing here prints."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from graphlib import TopologicalSorter

import spora_build.checks
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity


@dataclass(frozen=True)
class Violation:
    """One place where a rule is broken."""

    place: str
    """Path relative to the dataset, with ``/``; never absolute."""
    detail: str = ""
    """What is found there, in a few words; never the text of a patient's, biopsy's or tissue's identifier."""


class NotApplicableError(Exception):
    """Raised by a check that has nothing to look at; the argument says why the rule is skipped."""


Check = Callable[[DatasetView], Iterable[Violation]]


@dataclass(frozen=True)
class Rule:
    """One rule of the format."""

    code: str
    """``V`` and three digits; the first digit is the subject. Stable: never given to another rule."""
    name: str
    """The function's name."""
    subject: str
    """The module's name: ``names``, ``images``…"""
    severity: Severity
    """What breaking the rule means unless the user overrides it."""
    message: str
    """The docstring's first paragraph: what must hold."""
    remarks: str
    """The rest of the docstring, often empty."""
    remedy: str
    """What a person does about it."""
    needs: tuple[str, ...]
    """Codes of rules that must pass first; otherwise this one is skipped."""
    deep: bool
    """True for rules that decompress masks or pixels."""
    check: Check
    """Yields a violation per broken place. Raises NotApplicableError where there is nothing to look at."""


class Status(StrEnum):
    """The three outcomes of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """What a rule says about a dataset."""

    rule: Rule
    status: Status
    violations: tuple[Violation, ...] = ()
    reason: str = ""
    """Why it was skipped."""


def rule(
    code: str, *, remedy: str, severity: Severity = Severity.ERROR, needs: Iterable[str] = (), deep: bool = False
) -> Callable[[Check], Rule]:
    """Make a rule of a check. The function's docstring becomes the message, its module the subject."""

    def make(check: Check) -> Rule:
        message, _, remarks = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
        return Rule(
            code=code,
            name=check.__name__,
            subject=check.__module__.rpartition(".")[2],
            severity=severity,
            message=" ".join(message.split()),
            remarks=" ".join(remarks.split()),
            remedy=remedy,
            needs=tuple(needs),
            deep=deep,
            check=check,
        )

    return make


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule of every module of this package, by code. Raises ValueError where two share a code."""
    names = sorted(m.name for m in pkgutil.iter_modules(spora_build.checks.__path__))
    modules = [importlib.import_module(f"{spora_build.checks.__name__}.{name}") for name in names]
    found = sorted({r.code: r for m in modules for r in vars(m).values() if isinstance(r, Rule)}.items())
    total = len({id(r) for m in modules for r in vars(m).values() if isinstance(r, Rule)})
    if total != len(found):
        raise ValueError("two rules share a code")
    return tuple(r for _, r in found)


def run(view: DatasetView, chosen: Iterable[Rule], *, deep: bool = False) -> Iterator[Result]:
    """Run rules, prerequisites first; one result each, as it comes.

    A rule whose prerequisite failed, was skipped or is not among the chosen ones' passes is skipped itself.
    """
    by_code = {r.code: r for r in chosen}
    order = TopologicalSorter({r.code: r.needs for r in by_code.values()}).static_order()
    passed: set[str] = set()
    for code in order:
        if code not in by_code:
            continue
        current = by_code[code]
        result = _run_one(view, current, passed, deep)
        if result.status is Status.PASSED:
            passed.add(code)
        yield result


def _run_one(view: DatasetView, current: Rule, passed: set[str], deep: bool) -> Result:
    missing = [code for code in current.needs if code not in passed]
    if missing:
        return Result(current, Status.SKIPPED, reason=f"{', '.join(missing)} did not pass")
    if current.deep and not deep:
        return Result(current, Status.SKIPPED, reason="only with --deep")
    try:
        violations = tuple(current.check(view))
    except NotApplicableError as nothing:
        return Result(current, Status.SKIPPED, reason=str(nothing))
    return Result(current, Status.FAILED if violations else Status.PASSED, violations)
