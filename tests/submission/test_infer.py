"""Text becomes numbers only where nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spora_build.submission import infer_column


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1", "2", None, "-3"], [1, 2, None, -3]),
        (["001", "2"], ["001", "2"]),
        (["+1", "2"], ["+1", "2"]),
        (["-0", "1"], [-0.0, 1.0]),
        (["1", "2.50"], [1.0, 2.5]),
        (["1e3", "2"], [1000.0, 2.0]),
        (["1,5", "2"], [1.5, 2.0]),
        (["1,5", "2.5"], ["1,5", "2.5"]),
        (["1,234", "5,678"], ["1,234", "5,678"]),
        (["1,234", "5,67"], [1.234, 5.67]),
        (["0,123", "0,456"], [0.123, 0.456]),
        (["True", "false", None], [True, False, None]),
        (["yes", "no"], ["yes", "no"]),
        (["0", "1"], [0, 1]),
        (["12345678901234567890"], ["12345678901234567890"]),
        (["0.1234567890123456789"], ["0.1234567890123456789"]),
        (["1", "unknown"], ["1", "unknown"]),
        (["inf", "1"], ["inf", "1"]),
        (["2020-01-01"], ["2020-01-01"]),
        ([None, "NA", "nan"], [None, None, None]),
        ([], []),
    ],
)
def test_columns(texts: list[str | None], values: list[object]) -> None:
    found = infer_column(texts)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@given(st.lists(st.integers(-(10**17), 10**17)))
def test_integers_survive(numbers: list[int]) -> None:
    assert infer_column([str(number) for number in numbers]) == numbers


@given(st.lists(st.text("0123456789.,-+eE ", max_size=22), max_size=4))
def test_what_becomes_a_number_has_the_same_value_in_decimals(texts: list[str]) -> None:
    from decimal import Decimal

    for text, value in zip(texts, infer_column(texts), strict=True):
        if isinstance(value, (int, float)):
            exact = Decimal(text.replace(",", "."))
            assert Decimal(repr(value)) == exact
