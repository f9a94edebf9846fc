"""What a process of the command line does first, before it imports numpy."""

from __future__ import annotations

import gc
import os

from spora_build.workflows.running.free_memory import share_one_pool

_SELDOM = 20_000
"""New containers until Python searches for cycles again; after its own 700 (2000 from 3.13 on) it searches a hundred
times before a command begins."""


def start_process() -> None:
    """Allocate from one pool, compute in the thread that calls, and search for cycles seldom.

    Cores are shared by ``--jobs``, by processes and threads of ours: OpenBLAS would start a thread for each of them,
    which spins for a tenth of a second before it sleeps, and no stage multiplies matrices. What the environment says of
    it stays; processes to come inherit it, those of a segmentation model too.
    """
    share_one_pool()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(_SELDOM)
