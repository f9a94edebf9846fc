"""Reports: order, tallies, exit codes, JSON, JUnit, plain text and severities of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from spora_build.checks.core import Result, Status, Violation, rules
from spora_build.checks.junit import MOST_PLACES, to_junit
from spora_build.checks.report import MAX_PLACES, Report
from spora_build.checks.severity_file import read_severities
from spora_build.errors import ExitCode, Severity, UsageError
from spora_build.workflows.checking.validate import validate
from tests.checks.build_dataset import IMC_ONLY
from tests.checks.corruption import cell, delete, write


@pytest.fixture
def broken(dataset: Path) -> Path:
    """Breaks a note (V449 needs more), two warnings and an error."""
    write("notes/a.txt")(dataset)
    delete("he/1_0mpp")(dataset)
    cell("metadata/tissues.parquet", 0, "alignment", "perhaps")(dataset)
    return dataset


def test_findings_come_worst_first(broken: Path) -> None:
    report = validate(broken)
    assert [(f.severity, f.code) for f in report.findings] == [
        (Severity.ERROR, "V117"),
        (Severity.WARNING, "V003"),
        (Severity.NOTE, "V952"),
    ]
    assert report.tally(Status.FAILED) == 3
    assert sum(report.tally(status) for status in Status) == len(report.checked) == len(rules())


def test_exit_codes(broken: Path, clean: Path) -> None:
    error = validate(broken)
    warning = validate(broken, severities={"V117": Severity.WARNING})
    note = validate(broken, severities={"V117": Severity.NOTE, "V003": Severity.NOTE})
    assert [r.exit_code() for r in (error, warning, note)] == [ExitCode.INVALID_DATA, ExitCode.OK, ExitCode.OK]
    assert [r.exit_code(strict=True) for r in (error, warning, note)] == [1, 1, 0]
    assert validate(clean).exit_code(strict=True) == 0


def test_json_round_trip(broken: Path) -> None:
    report = validate(broken)
    assert Report.from_json(report.to_json()) == report
    content = json.loads(report.to_json())
    assert content["version"] == 1
    assert content["findings"][0]["code"] == "V117"


def test_the_same_dataset_gives_the_same_bytes(broken: Path) -> None:
    assert validate(broken).to_json() == validate(broken).to_json()


def test_junit(broken: Path) -> None:
    report = validate(broken)
    suite = ElementTree.fromstring(to_junit(report))[0]
    cases = {case.attrib["name"].split()[0]: case for case in suite}
    assert (suite.attrib["tests"], suite.attrib["failures"]) == (str(len(rules())), "1")
    assert int(suite.attrib["skipped"]) == report.tally(Status.SKIPPED) == len(suite.findall("testcase/skipped"))
    assert "alignment" in (cases["V117"].findtext("failure") or "")
    assert "notes" in (cases["V003"].findtext("system-out") or "")
    assert cases["V431"].find("skipped").attrib == {"message": "only with --deep"}
    assert cases["V101"].attrib["classname"] == "tissues_table"


def test_junit_takes_any_name() -> None:
    odd = Result(rules()[0], Status.FAILED, (Violation("he/\x07\x00.png", "a <b> & \ud800"),))
    text = to_junit(Report.of("d", [odd], {}, deep=False))
    assert "he/��.png" in (ElementTree.fromstring(text.encode()).findtext(".//failure") or "")


def test_plain_lines(broken: Path) -> None:
    lines = validate(broken).lines()
    assert lines[0].startswith('ERROR V117 alignment is "exact"')
    assert lines[0].endswith("(1 place)")
    assert lines[1] == "    metadata/tissues.parquet: alignment: 1 row at position 0"
    assert lines[2].startswith("    Fix: ")
    assert lines[-1].startswith("smith2023novel: 1 error, 1 warning, 1 note; rules: ")


def test_many_places_are_one_finding() -> None:
    many = Result(rules()[0], Status.FAILED, tuple(Violation(f"he/{i}") for i in range(MAX_PLACES + 50)))
    report = Report.of("d", [many], {}, deep=False)
    assert to_junit(report).count("he/") == MOST_PLACES
    (finding,) = report.findings
    assert (finding.count, len(finding.places)) == (MAX_PLACES + 50, MAX_PLACES)
    assert report.lines()[4:6] == [f"    and {MAX_PLACES + 47} more", f"    Fix: {finding.remedy}"]


def test_no_patient_in_a_report(dataset: Path) -> None:
    cell("metadata/tissues.parquet", 0, "patient_id", "Erika Mustermann")(dataset)
    assert "Mustermann" not in validate(dataset).to_json()
    assert IMC_ONLY not in "".join(validate(dataset).lines())


def test_severity_file(tmp_path: Path) -> None:
    path = tmp_path / "severity.toml"
    path.write_text('[severity]\nV444 = "error"\nV008 = "note"\n')
    assert read_severities(path) == {"V444": Severity.ERROR, "V008": Severity.NOTE}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[severity", "readable"),
        ("V444 = 'error'", "no table"),
        ("[severity]\nV999 = 'error'", "V999"),
        ("[severity]\nV444 = 'fatal'", "fatal"),
    ],
)
def test_a_wrong_severity_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "severity.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        read_severities(path)
    assert str(tmp_path) not in str(caught.value)
