"""What rclone's log means to a user. Its text is never shown: it may hold addresses and names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from spora_build.errors import EnvironmentFaultError, Problem

_KINDS = (
    (
        (
            r"unauthorized|accessdenied|forbidden|status ?code: 40[13]|invalidaccesskeyid|signaturedoesnotmatch"
            r"|unsupportedalgorithm|authorization mechanism|nocredentialproviders"
            r"|failed to (refresh cached|retrieve) credentials"
        ),
        "E-S3-010",
        "the bucket refuses the credentials, or none were given.",
        "set SPORA_BUILD_S3_USER and SPORA_BUILD_S3_PASSWORD, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
    ),
    (
        r"is a file not a directory",  # what rclone from 1.68 says where it dropped USER:PASSWORD@ of the endpoint
        "E-S3-011",
        "rclone cannot get in; from version 1.68 it drops a password that stands in the endpoint of its own config.",
        "give s3://bucket with SPORA_BUILD_S3_USER and SPORA_BUILD_S3_PASSWORD in place of the configured remote.",
    ),
    (
        r"nosuchbucket|directory not found|bucket does not exist",
        "E-S3-012",
        "there is no such bucket or folder.",
        "check the spelling of the bucket; it must exist already.",
    ),
    (
        r"didn't find section in config|unknown remote",
        "E-S3-013",
        "rclone's config has no remote of this name.",
        "see `rclone listremotes`, or give s3://bucket.",
    ),
    (
        r"x509|certificate",
        "E-S3-014",
        "the endpoint's certificate is not trusted.",
        "check the endpoint; for a private authority set AWS_CA_BUNDLE or RCLONE_CA_CERT.",
    ),
    (
        r"no space left|disk quota|insufficient storage|quotaexceeded",
        "E-S3-015",
        "there is no space left on the receiving side.",
        "free some space and run the same command again: it goes on where it stopped.",
    ),
    (
        (
            r"dial tcp|no such host|connection re|timeout|timed out|deadline exceeded|network is|\beof\b|broken pipe"
            r"|slowdown|status ?code: 5\d\d|internalerror|service ?unavailable"
        ),
        "E-S3-016",
        "the endpoint cannot be reached, or the connection broke.",
        "check the endpoint and the network, then run the same command again: it goes on where it stopped.",
    ),
    (
        r"unknown flag|unknown command|unknown shorthand",
        "E-S3-017",
        "this rclone is too old.",
        'install a newer one with `pip install "spora-build[rclone]"`.',
    ),
)


def explain_failure(lines: Iterable[str]) -> EnvironmentFaultError:
    """The error of a failed rclone run with these last lines of its log."""
    text = "\n".join(lines).lower()
    for pattern, code, what, remedy in _KINDS:
        if re.search(pattern, text):
            return EnvironmentFaultError(Problem(code, what, remedy))
    return EnvironmentFaultError(
        Problem(
            "E-S3-019",
            "rclone stopped with an error of a kind that spora-build does not know.",
            "run the same command again: it goes on where it stopped; try `rclone lsd` on the bucket if it persists.",
        )
    )
