"""What the gate sees of a whole submission: file names, short identifiers, channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from spora_build.errors import ExitCode, InvalidDataError, PrivacyError
from spora_build.store.layout import Layout
from spora_build.workflows.checking.privacy_check import privacy_check
from spora_build.workflows.convert import ConvertRequest, prepare
from tests.workflows.conftest import convert

PATIENTS = ("P-01", "P-02", "P-03", "P-04")
IMAGES = ("hn_0471_b", "hn_0523_a", "hn_0611_c", "hn_0702_a")
NAMES = ("Keller Berta", "Frei, Ottokar", "Suter Vreneli", "Graf Alban")
PANEL = "channel,marker,description\nDAPI,DAPI,nuclei\nCD3,CD3E,{}\n"


def write_raw(
    folder: Path, *, column: str = "grade", values: tuple[str, ...] = ("1", "2", "2", "3"), about: str = "T cells"
) -> Path:
    (folder / "imc").mkdir(parents=True)
    rows = [f"image,patient,modality,mpp,cell_mask,{column}"]
    for patient, image, value in zip(PATIENTS, IMAGES, values, strict=True):
        pixels = np.random.default_rng(0).poisson(20, (2, 60, 80)).astype(np.uint16)
        pixels[:, 15:45, 20:60] += 500
        metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3"]}}
        tifffile.imwrite(folder / f"imc/{image}.ome.tif", pixels, metadata=metadata)
        tifffile.imwrite(folder / f"imc/{image}_seg.tif", (pixels[0] > 300).astype(np.uint8), metadata=None)
        rows.append(f"imc/{image}.ome.tif,{patient},imc,1.0,imc/{image}_seg.tif,{value}")
    (folder / "tissues.csv").write_text("\n".join(rows))
    (folder / "panel_imc.csv").write_text(PANEL.format(about))
    (folder / "spora.toml").write_text('name = "smith2023novel"\n')
    return folder


def refused(raw: Path, out: Path) -> list[tuple[str, str | None, str | None]]:
    with pytest.raises(PrivacyError) as caught:
        prepare(ConvertRequest(raw=raw, out=out, dry_run=True))
    errors = [problem for problem in caught.value.problems if problem.severity == "error"]
    shown = "".join(map(str, errors)).lower()
    assert not any(raw.lower() in shown for raw in (*PATIENTS, *IMAGES))
    return [(problem.code, problem.place.file, problem.place.column) for problem in errors]


def test_the_raw_folder_alone_passes(tmp_path: Path) -> None:
    assert prepare(ConvertRequest(raw=write_raw(tmp_path / "raw"), out=tmp_path, dry_run=True)).plan.tissues


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("original_file_name", tuple(f"{image}.ome.tif" for image in IMAGES)),
        ("original_file_name", tuple(f"D:\\export\\{image}.czi" for image in IMAGES)),
        ("acquisition", IMAGES),
        ("acquisition", tuple(image.upper().replace("_", "-") for image in IMAGES)),
        ("segmented_as", tuple(f"{image}_seg.tif" for image in IMAGES)),
        ("batch", ("a", "b", "with P-03", "b")),
        ("batch", ("a", "b", "b", "(p-04)")),
    ],
)
def test_columns_that_repeat_file_names_or_patients_are_refused(
    tmp_path: Path, column: str, values: tuple[str, ...]
) -> None:
    found = refused(write_raw(tmp_path / "raw", column=column, values=values), tmp_path)
    assert [place for _, *place in found] == [["tissues.csv", column]]


def test_a_channel_described_by_a_patient_is_refused(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw", about="retitrated on P-03")
    assert refused(raw, tmp_path) == [("E-PRIV-010", "panel_imc.csv", None)]


def test_a_channel_named_after_a_patient_in_the_file_is_refused(tmp_path: Path) -> None:
    raw = write_raw(tmp_path / "raw")
    (raw / "panel_imc.csv").unlink()
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3 P-01"]}}
    tifffile.imwrite(raw / f"imc/{IMAGES[0]}.ome.tif", np.ones((2, 30, 40), np.uint16), metadata=metadata)
    assert refused(raw, tmp_path) == [("E-PRIV-010", "panel_imc.csv", None)]


def test_an_allowed_column_is_told_at_the_end_and_everything_else_is_still_searched(
    tmp_path: Path, key_file: Path
) -> None:
    raw = write_raw(tmp_path / "raw", column="batch", values=("a", "b", "like P-03", "b"))
    with (raw / "spora.toml").open("a") as file:
        file.write('[privacy.columns]\n"tissues.batch" = { allow = "A. Steward", on = 2026-01-31 }\n')
    layout = Layout(convert(raw, tmp_path / "out", key_file))
    report = privacy_check(layout)
    assert {problem.code for problem in report.problems} == {"W-PRIV-025"}
    assert report.exit_code is ExitCode.OK
    (layout.root / "notes.txt").write_text("like P-03")
    assert privacy_check(layout).exit_code is ExitCode.PRIVACY


@pytest.mark.parametrize("place", ["modality", "name"])
def test_names_of_folders_hold_no_identifier(tmp_path: Path, place: str) -> None:
    raw = write_raw(tmp_path / "raw")
    text = (raw / "tissues.csv").read_text().replace("P-01", "Meier77")
    if place == "modality":
        text = text.replace("P-02,imc", "P-02,ihc_Meier77")
    else:
        (raw / "spora.toml").write_text('name = "smith2023meier77"\n')
    (raw / "tissues.csv").write_text(text)
    with pytest.raises((PrivacyError, InvalidDataError)) as caught:
        prepare(ConvertRequest(raw=raw, out=tmp_path, dry_run=True))
    found = [problem for problem in caught.value.problems if problem.code == "E-PRIV-010"]
    assert [problem.place.column for problem in found] == [place]
    assert "meier" not in str(found[0]).lower()


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ("ask anna@hospital.org", "E-PRIV-003"),
        ("scan_2021-03-05", "E-PRIV-006"),
        ("Meier Anna", "E-PRIV-001"),
        ("D:\\scans\\CD3.tif", "E-PRIV-005"),
        ("T cells, clone SP263 (1:100), Nd142", None),
    ],
)
def test_names_of_channels_say_no_more_than_a_marker(tmp_path: Path, about: str, code: str | None) -> None:
    request = ConvertRequest(raw=write_raw(tmp_path / "raw", about=f'"{about}"'), out=tmp_path, dry_run=True)
    if code is None:
        assert prepare(request).plan.tissues
        return
    with pytest.raises(PrivacyError) as caught:
        prepare(request)
    assert [p.code for p in caught.value.problems if p.severity == "error"] == [code]
    assert "anna" not in str(caught.value).lower()


def write_clinical(raw: Path, *, group: str) -> Path:
    rows = [f'{patient},"{name}",{group}' for patient, name in zip(PATIENTS, NAMES, strict=True)]
    (raw / "clinical.csv").write_text("\n".join(["patient,surname_and_name,arm", *rows]))
    (raw / "spora.toml").write_text(
        'name = "smith2023novel"\n[privacy.columns]\n"clinical.surname_and_name" = "drop"\n'
    )
    return raw


def test_a_dropped_name_that_stands_in_another_column_stops_the_build(tmp_path: Path) -> None:
    raw = write_clinical(write_raw(tmp_path / "raw"), group=f"as {NAMES[0].lower()}")
    assert refused(raw, tmp_path) == [("E-PRIV-010", "clinical.csv", "arm")]


def test_a_dropped_name_is_looked_for_in_the_finished_tree(tmp_path: Path, key_file: Path) -> None:
    layout = Layout(convert(write_clinical(write_raw(tmp_path / "raw"), group="A"), tmp_path, key_file))
    before = privacy_check(layout)
    assert not before.problems
    (layout.root / "README.md").write_text(f"thanks to {NAMES[2]}")
    leaks = privacy_check(layout).problems
    assert {(leak.code, leak.place.file) for leak in leaks} == {("E-PRIV-020", "smith2023novel/README.md")}
    assert all("clinical.surname_and_name" in leak.what for leak in leaks)
    assert NAMES[2] not in str(leaks)
    assert before.scan.tokens > len(NAMES) + 2 * len(PATIENTS)
