"""The gate over labelled columns: what it finds, what it lets pass, and what it never shows."""

from __future__ import annotations

import csv
import datetime
import tomllib
from pathlib import Path

import pytest

from spora_build.errors import Severity
from spora_build.model.privacy_rules import Allow, Privacy
from spora_build.privacy.finding import Finding, unresolved
from spora_build.privacy.lint import lint_table
from tests.privacy.labelled_columns import LABELLED, ROWS, Labelled

NO_RULES = Privacy()
DIRECT = ("E-PRIV-001", "E-PRIV-002", "E-PRIV-003", "E-PRIV-004", "E-PRIV-005", "E-PRIV-006", "E-PRIV-009")


def errors_of(column: Labelled) -> list[Finding]:
    found = lint_table(column.table, {column.name: column.values}, raw_ids=(), rules=NO_RULES)
    return [finding for finding in found if finding.problem().severity is Severity.ERROR]


def test_precision_and_recall_over_labelled_columns() -> None:
    assert len(LABELLED) >= 800
    assert sum(column.code is None for column in LABELLED) >= 380
    found = {id(column): bool(errors_of(column)) for column in LABELLED}
    hits = sum(found[id(column)] for column in LABELLED if column.code is not None)
    false = [column.name for column in LABELLED if column.code is None and found[id(column)]]
    missed = [column for column in LABELLED if column.code is not None and not found[id(column)]]
    precision = hits / (hits + len(false))
    recall = hits / (hits + len(missed))
    print(f"privacy gate: {len(LABELLED)} columns, precision {precision:.3f}, recall {recall:.3f}")
    assert precision >= 0.9, false
    assert recall >= 0.95, [column.name for column in missed]
    assert not [column.name for column in missed if column.code in DIRECT or column.code == ""]


@pytest.mark.parametrize("column", [c for c in LABELLED if c.code], ids=lambda column: column.name)
def test_the_finding_says_what_it_is(column: Labelled) -> None:
    (finding,) = errors_of(column)
    assert column.code is not None
    assert finding.code in column.code.split("|")
    assert finding.column == column.name
    assert 0 < finding.rows <= ROWS


def test_no_value_is_ever_shown() -> None:
    for column in LABELLED:
        for finding in errors_of(column):
            shown = repr(finding) + str(finding.problem())
            words = shown.replace(column.name, "")
            for value in column.values:
                assert value is None or len(value) < 4 or value not in words, column.name


def test_every_remedy_is_a_line_of_toml_for_that_column() -> None:
    for column in LABELLED:
        for finding in errors_of(column):
            assert finding.is_line
            ((key, action),) = tomllib.loads(finding.remedy).items()
            assert key.startswith(f"{column.table}.")
            assert action == "drop" or set(action) in ({"cap"}, {"hash"}, {"days_since"})


@pytest.mark.parametrize(
    ("name", "values", "line"),
    [
        ("Date of Birth", ("1950-02-03",), '"clinical.date_of_birth" = "drop"'),
        ("age", ("93",), '"clinical.age" = { cap = 89 }'),
        ("date_of_death", ("2014-02-03",), '"clinical.date_of_death" = { days_since = "diagnosis_date" }'),
        ("diagnosis_date", ("2014-02-03",), '"clinical.diagnosis_date" = "drop"'),
        ("case_number", ("77",), '"clinical.case_number" = { hash = true }'),
        ("zip", ("8001",), '"clinical.zip" = "drop"'),
    ],
)
def test_the_remedy_keeps_as_much_as_it_can(name: str, values: tuple[str, ...], line: str) -> None:
    columns = {name: values, "diagnosis_date": ("2013-01-01",)}
    findings = lint_table("clinical", columns, raw_ids=(), rules=NO_RULES)
    assert next(finding.remedy for finding in findings if finding.column == name) == line


def test_an_allowed_column_passes() -> None:
    rules = Privacy(columns={"clinical.date_of_death": Allow("D. Controller", datetime.date(2026, 1, 31))})
    columns = {"Date Of Death": ("2014-02-03", "2015-02-03"), "visit_date": ("2014-02-03", "2015-02-03")}
    assert [f.column for f in lint_table("clinical", columns, raw_ids=(), rules=rules)] == ["visit_date"]
    assert len(lint_table("tissues", columns, raw_ids=(), rules=rules)) == 2, "a decision is about one table"


RAW = ["HN-0042", "HN-0043", "IG3", "7", "8", "NC", "2021_scans/core_A1 (left).ome.tiff"]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (("HN-0042", "x"), 1),
        (("tumour of hn0042, left", "normal of HN 43"), 2),
        (("TMA_IG3_T[1,3]", "other"), 1),
        (("2021_scans core_A1 (left)", "b"), 1),
    ],
)
def test_raw_ids_are_found_in_other_columns(values: tuple[str, ...], rows: int) -> None:
    (finding,) = lint_table("clinical", {"group": values}, raw_ids=RAW, rules=NO_RULES)
    assert (finding.code, finding.rows) == ("E-PRIV-010", rows)
    assert "42" not in str(finding.problem())


@pytest.mark.parametrize(
    "values", [("7", "8", "9"), ("1", "2"), ("NC",), ("IG30", "BIG3"), ("HN-00421",), ("42.0043",)]
)
def test_what_only_resembles_a_raw_id_passes(values: tuple[str, ...]) -> None:
    assert not lint_table("clinical", {"group": values}, raw_ids=RAW, rules=NO_RULES)


def test_short_ids_are_found_by_what_the_column_holds() -> None:
    ids = [str(number) for number in range(1, 11)]
    assert lint_table("clinical", {"order": ids}, raw_ids=ids, rules=NO_RULES)[0].code == "E-PRIV-010"
    months = [str(3 * number) for number in range(1, 11)]
    assert not lint_table("clinical", {"os_months": months}, raw_ids=ids, rules=NO_RULES)
    partly = ["1", "2", "3", "4", "99", "6", "7", "8", "9", "10"]
    assert not lint_table("clinical", {"order": ["3"] * 10}, raw_ids=ids, rules=NO_RULES, patients=ids)
    (finding,) = lint_table("clinical", {"order": partly}, raw_ids=[*ids, "11", "12"], rules=NO_RULES, patients=ids)
    assert finding.reason == "repeats each row's own identifier"


def test_a_column_named_after_a_patient_is_found_and_not_named() -> None:
    (finding,) = lint_table("cells", {"x": ("1",), "HN-0042 intensity": ("3",)}, raw_ids=RAW, rules=NO_RULES)
    assert finding.column is None
    assert "column 2" in finding.reason
    assert "42" not in str(finding.problem()).replace("E-PRIV", "")


COHORT = {
    "sex": ["F"] * 6 + ["M"] * 6,
    "age": ["40", "40", "40", "50", "50", "50", "40", "40", "40", "50", "50", "61"],
    "marker_score": [str(number) for number in range(12)],
}


def test_small_groups_are_told_and_refused_only_below_a_limit() -> None:
    told = lint_table("clinical", COHORT, raw_ids=(), rules=NO_RULES)
    assert [finding.code for finding in told] == ["N-PRIV-011"]
    assert "age has groups of k = 1" in told[0].reason
    assert "1 patients are alone" in told[0].reason
    assert not unresolved(tuple(told))
    refused = lint_table("clinical", COHORT, raw_ids=(), rules=Privacy(min_k=2))
    assert [finding.code for finding in refused] == ["E-PRIV-011"]
    assert tomllib.loads(refused[0].remedy.split("for example ")[1].rstrip(".")) == {
        "clinical.age": {"bin": [0, 50, 70]}
    }
    assert not lint_table("clinical", {"sex": COHORT["sex"]}, raw_ids=(), rules=Privacy(min_k=6))


def test_groups_count_patients_not_rows() -> None:
    sex = ["F", "F", "F", "M", "M", "M"]
    patients = ["a", "a", "a", "b", "c", "d"]
    (finding,) = lint_table("tissues", {"sex": sex}, raw_ids=(), rules=Privacy(min_k=2), patients=patients)
    assert "k = 1" in finding.reason
    assert not lint_table("tissues", {"sex": sex}, raw_ids=(), rules=Privacy(min_k=2))


def test_only_the_smallest_combination_is_named() -> None:
    columns = {"sex": ["F", "F", "M", "M"], "race": ["a", "b", "a", "b"], "country": ["X"] * 4}
    (finding,) = lint_table("clinical", columns, raw_ids=(), rules=Privacy(min_k=2))
    assert "sex × race" in finding.reason


@pytest.mark.realdata
def test_real_tables(sample_data: Path) -> None:
    clinical = read(sample_data / "mif-csm" / "clinical.csv")
    images = [value for value in clinical.pop("Sample") if value is not None]
    told = lint_table("clinical", clinical, raw_ids=images, rules=NO_RULES, patients=images)
    assert {finding.code for finding in told} <= {"N-PRIV-011"}
    study = read(sample_data / "study-idr0170" / "experimentA" / "idr0170-experimentA-annotation.csv")
    found = {finding.column: finding.code for finding in lint_table("tissues", study, raw_ids=(), rules=NO_RULES)}
    assert {name: code for name, code in found.items() if name and "Date" in name and name != "Dataset Name"} == {
        "Experimental Condition [Tumor Detection Date]": "E-PRIV-006",
        "Experimental Condition [Mouse Termination Date]": "E-PRIV-006",
    }
    assert not [name for name in found if name and ("Organism" in name or "Treatment" in name or "Tissue" in name)]


def read(path: Path) -> dict[str, list[str | None]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [row[place] or None for row in rows] for place, name in enumerate(header)}


def test_numbers_that_each_patient_has_one_of_are_found_however_many_rows_a_patient_has() -> None:
    patients = [f"p{row // 5}" for row in range(ROWS)]
    columns = {
        "x1": [str(4_000_000 + 7919 * (row // 5)) for row in range(ROWS)],
        "x2": [f"kq{31 * (row // 5) + 17}z" for row in range(ROWS)],
        "x3": [str(4_000_000 + 7919 * (row % 3)) for row in range(ROWS)],
        "x4": [f"arm{row % 3}" for row in range(ROWS)],
    }
    found = lint_table("tissues", columns, raw_ids=(), rules=NO_RULES, patients=patients)
    assert [(finding.column, finding.code) for finding in found] == [("x1", "E-PRIV-002"), ("x2", "E-PRIV-012")]
