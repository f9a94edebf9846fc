"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DEFAULT_SAMPLE_DATA = Path(__file__).parent.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Folder of real sample files; the test is skipped where there is none."""
    folder = Path(os.environ.get("SPORA_BUILD_SAMPLE_DATA", DEFAULT_SAMPLE_DATA))
    if not folder.is_dir():
        pytest.skip("no folder of real sample files (set SPORA_BUILD_SAMPLE_DATA)")
    return folder
