"""Imported once by the process that workers are forked from, so that no worker imports these again."""

import numpy
import pandas
import pyarrow.parquet

import spora_build.readers
import spora_build.store.image
from spora_build.workflows.running.free_memory import share_one_pool

share_one_pool()

__all__ = ["numpy", "pandas", "pyarrow", "spora_build"]
