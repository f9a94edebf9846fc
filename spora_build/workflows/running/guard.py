"""Where a worker's errors become its result: one bad tissue never costs the others."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spora_build.errors import Place, Problem, SporaBuildError
from spora_build.model.report import Outcome, Status
from spora_build.store.atomic import TEMPORARY_SUFFIX, home_name

T = TypeVar("T")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}


def guarded(tissue_id: str, stage: str, work: Callable[[], T]) -> T | Outcome:
    """The result of ``work``, or a failed outcome that says why. Only an interruption gets through."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001  the boundary: reported in the outcome, never swallowed
        return Outcome(tissue_id, stage, Status.FAILED, explain(error))


def explain(error: Exception) -> tuple[Problem, ...]:
    """Problems for the user in any exception. The text of foreign errors is left out: it may carry identifiers."""
    if isinstance(error, SporaBuildError):
        return error.problems
    if isinstance(error, MemoryError):
        return (
            Problem("E-ENV-011", "the machine ran out of memory.", "run again with --jobs 1, or on a larger machine."),
        )
    if isinstance(error, OSError):
        return (_explain_os_error(error),)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "spora_build" in frame.filename]
    at = f"{ours[-1].name}, line {ours[-1].lineno}" if ours else "an unknown place"
    return (
        Problem(
            "E-BUG-001",
            f"an error that spora-build did not foresee: {type(error).__name__} in {at}.",
            "report it with this line; the other tissues are not touched.",
        ),
    )


def _output(error: OSError) -> str | None:
    """The output that could not be written: its name is ours. Other names may identify somebody."""
    path = Path(str(error.filename))
    if error.filename is None or not path.name.endswith(TEMPORARY_SUFFIX):
        return None
    return f"{path.parent.name}/{home_name(path.name)}"


def _explain_os_error(error: OSError) -> Problem:
    if error.errno in _DISK:
        return Problem("E-ENV-012", "the disk is full.", "free some space and run the same command again.")
    if error.errno in _ACCESS:
        return Problem(
            "E-ENV-013",
            "permission to read or write was refused.",
            "check the rights of the raw and the output folder.",
            Place(file=_output(error)),
        )
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return Problem(
        "E-ENV-014",
        f"reading or writing failed ({reason}).",
        "check that the disks are still mounted, then run the same command again.",
    )
