"""Let numpy compute in the thread that calls it: cores are shared by ``--jobs``, by processes and threads of ours."""

from __future__ import annotations

import os


def compute_in_the_calling_thread() -> None:
    """Keep OpenBLAS from starting a thread for every core, where the environment does not say how many it may.

    For the start of a process, before numpy is imported; processes to come inherit it. Each of those threads spins for
    a tenth of a second before it sleeps, and nothing here multiplies matrices.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
