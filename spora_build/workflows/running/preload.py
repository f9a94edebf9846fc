"""Imported once by the process that workers are forked from, so that no worker imports these again."""

import gc

import numpy
import pyarrow.parquet

import spora_build.readers
import spora_build.store.image
from spora_build.workflows.running.free_memory import share_one_pool
from spora_build.workflows.running.quiet import say_no_more_than_the_kind

share_one_pool()
say_no_more_than_the_kind()  # of what befalls a worker before it begins: what it needs is gone when all is interrupted
gc.freeze()  # no worker looks again and again for cycles among what was imported

__all__ = ["numpy", "pyarrow", "spora_build"]
