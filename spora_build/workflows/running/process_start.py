"""What a process of the command line does first, before it imports numpy."""

from __future__ import annotations

import atexit
import gc
import os

from spora_build.workflows.running.free_memory import share_one_pool

_SELDOM = 20_000
"""New containers until Python searches for cycles again; its own 700 make hundreds of searches of a start alone."""


def start_process() -> None:
    """Allocate from one pool, compute in the thread that calls, and search for cycles seldom, and not at the end.

    Cores are shared by ``--jobs``, by processes and threads of ours: OpenBLAS would start a thread for each of them,
    which spins for a tenth of a second before it sleeps, and nothing here multiplies matrices. What the environment
    says of it stays; processes to come inherit it.
    """
    share_one_pool()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_SELDOM)
    atexit.register(gc.freeze)  # else the last search goes through all that was ever imported
