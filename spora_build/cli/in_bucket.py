"""Commands that take a dataset here or in a bucket."""

from __future__ import annotations

from spora_build.errors import Problem, UsageError


def is_in_bucket(dataset: str) -> bool:
    """Whether the argument names a place in a bucket."""
    return dataset.startswith("s3://")


def refuse_deep(deep: bool) -> None:
    """Raise UsageError where every pixel of a bucket would be read."""
    if deep:
        raise UsageError(
            Problem(
                "E-USE-008",
                "--deep reads every pixel, which a bucket is too far away for.",
                "`spora-build fetch` the dataset, and validate it here.",
            )
        )
