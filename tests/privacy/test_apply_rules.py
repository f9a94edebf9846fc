"""Decisions carried out: what each action does to values, and that the result is looked at again."""

from __future__ import annotations

import datetime
import tomllib
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.model.privacy_rules import Allow, Bin, Cap, ColumnAction, DaysSince, Drop, Hash, Privacy
from spora_build.privacy.actions import UnusableActionError, bin_values, cap, days_since, hash_values
from spora_build.privacy.apply_rules import apply_rules
from spora_build.privacy.date_values import UnreadableDatesError, read_dates
from spora_build.privacy.finding import unresolved
from spora_build.privacy.pseudonym import IdKind, keyed_code
from tests.privacy.labelled_columns import LABELLED, Labelled

SECRET = bytes(range(32))


def rules(**columns: ColumnAction) -> Privacy:
    return Privacy(columns={f"clinical.{name}": action for name, action in columns.items()})


def test_each_action() -> None:
    columns = {
        "Date of Birth": ["1950-01-01", None],
        "age": ["93", " 40.5"],
        "diagnosis_date": ["2013-01-01", "2014-03-01"],
        "death_date": ["2014-01-01", None],
        "bmi": ["22", "31.5"],
        "case_number": ["77", "78"],
        "biopsy_date": ["2013-01-01", "2014-03-01"],
        "grade": ["1", None],
    }
    kept, findings = apply_rules(
        "clinical",
        columns,
        rules(
            date_of_birth=Drop(),
            age=Cap(89),
            diagnosis_date=Drop(),
            death_date=DaysSince("diagnosis_date"),
            bmi=Bin((18, 25, 30)),
            case_number=Hash(),
            biopsy_date=Allow("D. Controller", datetime.date(2026, 1, 31)),
        ),
        raw_ids=(),
        secret=SECRET,
    )
    assert kept == {
        "age": ["89", "40.5"],
        "death_date": ["365", None],
        "bmi": ["[18,25)", ">=30"],
        "case_number": [keyed_code(SECRET, "77", IdKind.VALUE), keyed_code(SECRET, "78", IdKind.VALUE)],
        "biopsy_date": ["2013-01-01", "2014-03-01"],
        "grade": ["1", None],
    }
    assert not unresolved(findings)


def test_undecided_columns_stop_the_build() -> None:
    kept, findings = apply_rules(
        "clinical", {"age": ["93"], "zip": ["8001"]}, rules(zip=Drop()), raw_ids=(), secret=None
    )
    (problem,) = unresolved(findings)
    assert (problem.code, problem.place.column, problem.place.value) == ("E-PRIV-007", "age", None)
    assert list(kept) == ["age"]


@pytest.mark.parametrize("column", [c for c in LABELLED if c.code is not None], ids=lambda column: column.name)
def test_the_remedy_given_is_enough(column: Labelled) -> None:
    columns = {column.name: column.values}
    _, before = apply_rules(column.table, columns, Privacy(), raw_ids=(), secret=SECRET)
    decided = {}
    for finding in before:
        if finding.is_line:
            ((key, action),) = tomllib.loads(finding.remedy).items()
            decided[key] = Drop() if action == "drop" else Cap(action["cap"]) if "cap" in action else Hash()
    assert decided
    _, after = apply_rules(column.table, columns, Privacy(columns=decided), raw_ids=(), secret=SECRET)
    assert [f.code for f in after if f.code.startswith("E-")] in ([], ["E-PRIV-013"])
    assert "E-PRIV-013" not in [f.code for f in after] or column.name == "age_group", "only classes cannot be capped"


@pytest.mark.parametrize(
    ("name", "values", "action"),
    [
        ("age", ["93", "95"], Cap(99)),
        ("age", ["93", "95"], Bin((0, 50, 90, 94, 100))),
        ("death", ["2014-01-01"], DaysSince("born")),
    ],
)
def test_an_action_that_leaves_old_ages_is_not_enough(name: str, values: list[str], action: ColumnAction) -> None:
    columns = {name: values, "born": ["1920-01-01"] * len(values)}
    _, findings = apply_rules("clinical", columns, rules(**{name: action, "born": Drop()}), raw_ids=())
    assert [problem.code for problem in unresolved(findings)] == ["E-PRIV-007"]


@pytest.mark.parametrize(
    ("action", "values"),
    [
        (Cap(89), ["40", "old"]),
        (Bin((0, 50)), ["40", "old"]),
        (DaysSince("start"), ["03/04/2012", "05/06/2012"]),
        (DaysSince("nothing"), ["2012-04-03", "2012-06-05"]),
    ],
)
def test_an_action_that_cannot_be_carried_out_stops_the_build(action: ColumnAction, values: list[str]) -> None:
    columns = {"x": values, "start": ["2010-01-01"] * 2}
    kept, findings = apply_rules("clinical", columns, rules(x=action, start=Drop()), raw_ids=())
    (problem,) = unresolved(findings)
    assert problem.code == "E-PRIV-013"
    assert "old" not in problem.what
    assert "2012" not in str(problem)
    assert kept == {"x": [None, None]}, "nothing raw gets through"


def test_hashing_needs_the_key() -> None:
    with pytest.raises(ValueError, match="id key"):
        apply_rules("clinical", {"x": ["1"]}, rules(x=Hash()), raw_ids=())


def test_a_decision_about_no_column_is_told() -> None:
    decided = Privacy(columns={"clinical.aeg": Drop(), "tissues.other": Drop()})
    _, findings = apply_rules("clinical", {"age": ["40"]}, decided, raw_ids=())
    assert [finding.code for finding in findings if finding.code.startswith("W")] == ["W-PRIV-014"]
    assert not unresolved(findings)


def test_groups_are_counted_after_the_actions() -> None:
    columns = {"age": [str(40 + row) for row in range(12)]}
    few = Privacy(min_k=5)
    assert unresolved(apply_rules("clinical", columns, few, raw_ids=())[1])
    binned = Privacy(min_k=5, columns={"clinical.age": Bin((40, 46))})
    kept, findings = apply_rules("clinical", columns, binned, raw_ids=())
    assert not unresolved(findings)
    assert set(kept["age"]) == {"[40,46)", ">=46"}


def test_a_name_that_holds_an_id_is_found_even_where_decided() -> None:
    _, findings = apply_rules("clinical", {"HN-0042 age": ["93"]}, rules(hn_0042_age=Cap(89)), raw_ids=["HN-0042"])
    assert [problem.code for problem in unresolved(findings)] == ["E-PRIV-010"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 120)), max_size=20))
@settings(max_examples=60)
def test_a_cap_is_a_minimum(ages: list[int | None]) -> None:
    capped = cap([None if age is None else str(age) for age in ages], 89)
    assert capped == [None if age is None else str(min(age, 89)) for age in ages]


@pytest.mark.parametrize(
    ("text", "capped"),
    [("90+", "89"), (">89", "89"), ("101 years", "89"), ("92,5", "89"), ("40", "40"), ("unknown", None)],
)
def test_a_cap_reads_what_people_write(text: str, capped: str | None) -> None:
    # ">89" is read as 89, which is the cap
    assert cap([text], 89) == [capped]


def test_classes_hold_their_lower_edge() -> None:
    assert bin_values(["-1", "0", "49.9", "50", "70", "120", None], (0, 50, 70)) == [
        "<0", "[0,50)", "[0,50)", "[50,70)", ">=70", ">=70", None,
    ]  # fmt: skip


@given(st.lists(st.dates(date(1900, 1, 13), date(2099, 12, 31)), min_size=1, max_size=8), st.dates(date(1900, 1, 1)))
@settings(max_examples=60)
def test_days_since_in_any_unambiguous_form(days: list[date], start: date) -> None:
    expected = [str((day - start).days) for day in days]
    reference = [start.isoformat()] * len(days)
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%dT10:00:00"):
        assert days_since([day.strftime(form) for day in days], reference) == expected
    told = date(2012, 5, 20)
    for form in ("%d/%m/%Y", "%m/%d/%Y", "%m-%d-%Y"):
        written = [day.strftime(form) for day in [*days, told]]
        assert days_since(written, [*reference, reference[0]])[:-1] == expected


def test_excel_days_are_only_compared_with_excel_days() -> None:
    assert days_since(["41000", None], ["40990", "40990"]) == ["10", None]
    with pytest.raises(UnusableActionError, match="Excel"):
        days_since(["41000"], ["2012-01-01"])
    assert read_dates(["40909"]).values == (date(2012, 1, 1),)


@pytest.mark.parametrize(
    "values",
    [["03/04/2012"], ["13/04/2012", "04/13/2012"], ["03.04.12"], ["2012-02-30"], ["soon"], ["2012"], ["04/2012"]],
)
def test_dates_that_could_be_read_in_two_ways_are_refused(values: list[str]) -> None:
    with pytest.raises(UnreadableDatesError) as caught:
        read_dates(values)
    assert "2012" not in str(caught.value)


def test_equal_values_have_equal_codes_and_missing_stays_missing() -> None:
    first, second, third, gone = hash_values(["A", " A", "B", "n/a"], SECRET)
    assert first == second != third
    assert gone is None
