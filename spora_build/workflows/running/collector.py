"""Python's search for cycles, put off while many values are made at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """Do without the search in the block: for work that makes hundreds of thousands of plain values, which all stay.

    Each search goes through every one of them and finds nothing, which takes up to a third of such work.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
