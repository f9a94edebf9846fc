"""Where a bucket is and how to get in: from the target's text and the environment, never from a command line."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from spora_build.errors import Problem, UsageError
from spora_build.transfer.rclone import Rclone, find_rclone

NAME = "sporabuild"
"""Name of the remote that exists in rclone's environment only."""
ENDPOINT_VARIABLES = ("SPORA_BUILD_S3_ENDPOINT", "RCLONE_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
USER_VARIABLE, PASSWORD_VARIABLE = "SPORA_BUILD_S3_USER", "SPORA_BUILD_S3_PASSWORD"
PAGE_REGION = "other-v2-signature"
"""Region that the format page gives for an endpoint behind a password."""
_CONFIGURED = re.compile(r"^[\w.+@-][\w.+@ -]+:(?!//)")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")


@dataclass(frozen=True)
class Remote:
    """A folder in a bucket."""

    path: str
    """As rclone names it: ``remote:bucket/prefix``, without a slash at the end."""
    shown: str
    """As the user does."""
    rclone: Rclone = field(repr=False)

    def child(self, name: str) -> Remote:
        """A folder inside."""
        separator = "" if self.path.endswith(":") else "/"
        return Remote(f"{self.path}{separator}{name}", f"{self.shown.rstrip('/')}/{name}", self.rclone)

    @property
    def folder(self) -> str:
        """The path with a slash: without one rclone first asks whether it is a file, and hides why that failed."""
        return self.path + "/"


def is_remote(text: str) -> bool:
    """Whether a target is in a bucket: ``s3://bucket/prefix`` or ``remote:bucket`` of rclone's config."""
    return text.startswith("s3://") or _CONFIGURED.match(text) is not None


def open_remote(
    text: str,
    *,
    endpoint: str | None = None,
    default_endpoint: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Remote:
    """The folder that ``s3://bucket/prefix`` or ``remote:bucket/prefix`` names; nothing is contacted yet.

    The endpoint is ``endpoint``, else that of the environment, else ``default_endpoint``, else Amazon's. A user and
    password (HTTP Basic) come from SPORA_BUILD_S3_USER and SPORA_BUILD_S3_PASSWORD, or stand in an endpoint of the
    environment as the format page writes it; keys come from the AWS_ variables. Raises UsageError.
    """
    program = find_rclone(environ)
    if not text.startswith("s3://"):
        if not is_remote(text):
            raise UsageError(
                Problem(
                    "E-S3-001", "this is no bucket.", "write s3://bucket/prefix, or remote:bucket of rclone's config."
                )
            )
        return Remote(text.rstrip("/"), text.rstrip("/"), Rclone(program))
    bucket = text.removeprefix("s3://").strip("/")
    if not bucket or "@" in bucket.partition("/")[0]:
        raise UsageError(Problem("E-S3-001", "this names no bucket.", "write s3://bucket or s3://bucket/prefix."))
    if endpoint is not None and urlsplit(endpoint).username is not None:
        raise UsageError(
            Problem(
                "E-S3-002",
                "a password on a command line can be seen by everybody on this machine.",
                f"set {USER_VARIABLE} and {PASSWORD_VARIABLE} instead, and give the endpoint without them.",
            )
        )
    given = endpoint or next((environ[name] for name in ENDPOINT_VARIABLES if environ.get(name)), default_endpoint)
    parts = urlsplit(given) if given else None
    if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(Problem("E-S3-003", "the endpoint is no web address.", "write it like https://host/."))
    rclone = _configure(Rclone(program), parts, environ)
    return Remote(f"{NAME}:{bucket}", f"s3://{bucket}", rclone)


def _configure(rclone: Rclone, endpoint: SplitResult | None, environ: Mapping[str, str]) -> Rclone:
    settings = {"TYPE": "s3", "PROVIDER": "AWS" if endpoint is None else "Other", "NO_CHECK_BUCKET": "true"}
    header = {}
    removed = {*ENDPOINT_VARIABLES, USER_VARIABLE, PASSWORD_VARIABLE}
    basic = _basic(endpoint, environ)
    if endpoint is not None:
        settings["ENDPOINT"] = endpoint._replace(netloc=endpoint.netloc.rpartition("@")[2]).geturl()
    if basic is not None and endpoint is not None:
        _refuse_open_wire(endpoint)
        settings["REGION"] = PAGE_REGION
        # a signature would take the same header; rclone from 1.68 drops a password in the endpoint without a word
        header["RCLONE_HEADER"] = "Authorization: Basic " + base64.b64encode(basic.encode()).decode()
        removed |= {name for name in environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"}
    elif endpoint is None or any(environ.get(name) for name in _KEYS):
        settings["ENV_AUTH"] = "true"
        settings["REGION"] = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "")
    own = {f"RCLONE_CONFIG_{NAME.upper()}_{key}": value for key, value in settings.items() if value}
    return Rclone(rclone.program, {**own, **header}, frozenset(removed))


def _basic(endpoint: SplitResult | None, environ: Mapping[str, str]) -> str | None:
    """``user:password``, None where there is none."""
    user, password = environ.get(USER_VARIABLE), environ.get(PASSWORD_VARIABLE)
    if user and password:
        return f"{user}:{password}"
    if endpoint is not None and endpoint.username is not None:
        return f"{unquote(endpoint.username)}:{unquote(endpoint.password or '')}"
    return None


def _refuse_open_wire(endpoint: SplitResult) -> None:
    if endpoint.scheme == "http" and not _is_loopback(endpoint.hostname or ""):
        raise UsageError(
            Problem(
                "E-S3-004",
                "over http:// the password would cross the network for everybody to read.",
                "use the https:// address of the endpoint.",
            )
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
