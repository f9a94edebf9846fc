"""Names that need no second look."""

from __future__ import annotations

import pytest

from spora_build.nomenclature.names import is_known_name


@pytest.mark.parametrize("name", ["PDCD1", "CD45RO", "H3", "pS6", "HLA-DR", "PECAM1+VWF", "CD68_2", "CD15"])
def test_known(name: str) -> None:
    assert is_known_name(name)


@pytest.mark.parametrize("name", ["PD-1", "SMA", "cd4", "", "PECAM1+", "Sm147", "CD68_x"])
def test_unknown(name: str) -> None:
    assert not is_known_name(name)
