"""Expressions find what Python's own find, and every one of the package can be compiled."""

from __future__ import annotations

import importlib
import pkgutil
import re

import spora_build.privacy
from spora_build.privacy.expression import Expression


def test_an_expression_finds_what_a_compiled_one_does() -> None:
    text, value = r"(a+)\d", "aA1 ba22 a3"
    lazy, own = Expression(text, re.IGNORECASE), re.compile(text, re.IGNORECASE)
    assert [m.span() for m in lazy.finditer(value)] == [m.span() for m in own.finditer(value)] != []
    assert lazy.findall(value) == own.findall(value)
    assert lazy.sub("-", value) == own.sub("-", value)
    for value in ("aA1", "aA1 ", " aA1", "b"):
        for name in ("search", "match", "fullmatch"):
            found, expected = getattr(lazy, name)(value), getattr(own, name)(value)
            assert (found and found.groups()) == (expected and expected.groups())


def test_every_expression_can_be_compiled() -> None:
    package = spora_build.privacy
    names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    expressions = {
        id(value): value
        for name in names
        for value in vars(importlib.import_module(name)).values()
        if isinstance(value, Expression)
    }
    assert len(expressions) > 70
    for expression in expressions.values():
        expression.search("")
