"""The search for cycles comes back as it was."""

from __future__ import annotations

import gc

import pytest

from spora_build.workflows.running.collector import no_search_for_cycles


@pytest.mark.parametrize("is_on", [True, False])
def test_it_is_as_before_even_after_an_error(is_on: bool) -> None:
    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        with pytest.raises(KeyError), no_search_for_cycles():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()
