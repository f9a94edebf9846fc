"""The command validate as people type it: exit codes, what is chosen, reports saved and shown again."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result
from typer.testing import CliRunner

from spora_build.cli.app import app
from spora_build.errors import UsageError
from tests.checks.build_dataset import NAME, REGISTERED, build_dataset
from tests.checks.corruption import cell, delete, write


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An error (V117), warnings in two folders (V404) and a note (V116)."""
    root = build_dataset(tmp_path_factory.mktemp("broken"))
    cell("metadata/tissues.parquet", 0, "alignment", "perhaps")(root)
    for folder in ("he/1_0mpp", "imc/1_0mpp"):
        write(f"{folder}/images/a.txt")(root)
    delete("ihc/ihc_CD3E")(root)
    return root


@pytest.fixture(scope="module")
def saved(broken: Path) -> Path:
    path = broken.parent / "report.json"
    path.write_text(validate(broken, "--json").stdout, encoding="utf-8")
    return path


def validate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


def codes(result: Result) -> list[str]:
    return [line.split()[1] for line in result.stdout.splitlines() if line.startswith(("ERROR", "WARNING", "NOTE"))]


def test_exit_codes(broken: Path, tmp_path: Path) -> None:
    assert validate(broken).exit_code == 1
    clean = build_dataset(tmp_path)
    assert validate(clean, "--strict").exit_code == 0
    write("he/1_0mpp/images/a.txt")(clean)
    assert (validate(clean).exit_code, validate(clean, "--strict").exit_code) == (0, 1)
    assert isinstance(validate(tmp_path / "nowhere").exception, UsageError)


def test_findings_worst_first_and_counted(broken: Path) -> None:
    result = validate(broken)
    assert codes(result) == ["V117", "V404", "V116"]
    assert "(2 places)" in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"{NAME}: 1 error, 1 warning, 1 note; rules: ")


def test_a_saved_report_is_shown_again(broken: Path, saved: Path) -> None:
    assert validate(saved).stdout == validate(broken).stdout
    assert validate(saved).exit_code == 1
    assert json.loads(validate(saved, "--json").stdout) == json.loads(saved.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "expected", "exit_code"),
    [
        (["--only", "V404"], ["V404"], 0),
        (["--only", "v1"], ["V117", "V116"], 1),
        (["--only", "images", "--only", "V116"], ["V404", "V116"], 0),
        (["--only", "images", "--strict"], ["V404"], 1),
        (["--least", "error"], ["V117"], 1),
        (["--least", "warning", "--only", "V11"], ["V117"], 1),
        (["--place", "imc/"], ["V404"], 0),
        (["--only", "tiling"], [], 0),
    ],
)
def test_a_part_of_a_report(options: list[str], expected: list[str], exit_code: int, broken: Path, saved: Path) -> None:
    for source in (saved, broken):
        result = validate(source, *options)
        assert (codes(result), result.exit_code) == (expected, exit_code), result.output


def test_the_rest_of_a_report_is_not_counted(saved: Path) -> None:
    part = json.loads(validate(saved, "--only", "images", "--place", "he/", "--json").stdout)
    assert {rule["subject"] for rule in part["checked"]} == {"images"}
    assert [(f["code"], f["count"], [p["path"] for p in f["places"]]) for f in part["findings"]] == [
        ("V404", 1, ["he/1_0mpp/images/a.txt"])
    ]


def test_how_many_places(broken: Path) -> None:
    assert "and 1 more" in validate(broken, "--places", "1").stdout
    assert "a.txt" not in validate(broken, "--places", "0").stdout


def test_junit_and_severities_of_a_saved_report(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[severity]\nV117 = "note"\nV404 = "error"\n')
    result = validate(saved, "--severities", tmp_path / "mine.toml", "--junit", tmp_path / "junit.xml")
    assert (codes(result), result.exit_code) == (["V404", "V116", "V117"], 1)
    suite = ElementTree.fromstring((tmp_path / "junit.xml").read_text(encoding="utf-8"))[0]
    assert suite.attrib["failures"] == "1"


def test_what_makes_no_sense_is_refused(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "other.json").write_text('{"findings": 1, "checked": [{}]}')
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for path in tmp_path.iterdir():
        assert isinstance(validate(path).exception, UsageError), path
    assert isinstance(validate(saved, "--deep").exception, UsageError)
    assert "V99" in str(validate(saved, "--only", "V99").exception)


def test_no_finding_names_a_patient(broken: Path) -> None:
    cell("metadata/tissues.parquet", 0, "patient_id", "Erika Mustermann")(broken)
    assert "Mustermann" not in validate(broken, "--places", "1000").stdout
    cell("metadata/tissues.parquet", 0, "patient_id", REGISTERED.split("_")[1])(broken)
