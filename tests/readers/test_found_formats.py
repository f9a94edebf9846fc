"""The table of docs/formats.md says what is found in the small real files."""

from __future__ import annotations

from pathlib import Path

import pytest

from spora_build.workflows.drafting.inspect import inspect

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


@pytest.mark.realdata
def test_the_table_of_real_files_is_what_inspect_finds(sample_data: Path) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    told = [line.rsplit(" | ", 1)[0] for line in lines if line.startswith("| `") and line.count(" | ") == 5]
    assert told == found_rows(sample_data)


def found_rows(folder: Path) -> list[str]:
    """The table without its last column: file, format, shape, type, pixel size."""
    return [
        f"| `{file.file}` | {roi.format}{f', {roi.name}' if len(file.rois) > 1 else ''}"
        f" | {' × '.join(map(str, roi.shape))} | {roi.stored_dtype}{' RGB' if roi.is_rgb else ''} | {roi.mpp or 'none'}"
        for file in inspect(folder)
        for roi in file.rois
    ]
