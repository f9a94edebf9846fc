"""The secret key of the pseudonyms: where it comes from, and how it is recognised without being shown."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spora_build.errors import EnvironmentFaultError, Place, PrivacyError, Problem, UsageError
from spora_build.privacy.private_files import create_private, make_private_folder, refuse_open_to_others

KEY_BYTES = 32
KEY_FILE = "id.key"
ENVIRONMENT_VARIABLE = "SPORA_BUILD_ID_KEY"
_HEX = re.compile(rb"\A[0-9a-fA-F]+\Z")
_FINGERPRINT_MESSAGE = b"spora-build\0fingerprint of the id key"


@dataclass(frozen=True)
class IdKey:
    """A secret of at least 32 bytes; it never shows in a repr."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < KEY_BYTES:
            raise ValueError(f"a key has at least {KEY_BYTES} bytes")
        if len(set(self.secret)) < 8:
            raise ValueError("a key is random, not a repeated pattern")

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell keys apart and say nothing about the key."""
        return hmac.digest(self.secret, _FINGERPRINT_MESSAGE, "sha256")[:8].hex()

    @classmethod
    def generate(cls) -> IdKey:
        """A new key from the operating system's randomness."""
        return cls(secrets.token_bytes(KEY_BYTES))


def obtain_key(private: Path, *, key_file: Path | None, environment: Mapping[str, str]) -> IdKey:
    """The key that :func:`find_key` finds; where there is none, a new one in the private folder.

    Builds that start together get the same key. Raises PrivacyError, UsageError, EnvironmentFaultError.
    """
    return find_key(private, key_file=key_file, environment=environment) or keep_key(private, IdKey.generate())


def find_key(private: Path, *, key_file: Path | None, environment: Mapping[str, str]) -> IdKey | None:
    """The key of a build: ``--id-key-file``, else ``SPORA_BUILD_ID_KEY``, else ``id.key`` in the private folder.

    None where there is none yet; writes nothing. Raises PrivacyError where others can read it, UsageError where it is
    no key, EnvironmentFaultError.
    """
    if key_file is not None:
        return read_key(key_file)
    if text := environment.get(ENVIRONMENT_VARIABLE):
        return _parse(text.strip().encode(), place=Place(column=ENVIRONMENT_VARIABLE), hex_only=True)
    path = private / KEY_FILE
    if not path.exists():
        return None
    refuse_open_to_others(private)
    return read_key(path)


def keep_key(private: Path, key: IdKey) -> IdKey:
    """Put a new key into the private folder (mode 0600); the one that is there already wins and is returned."""
    make_private_folder(private)
    path = private / KEY_FILE
    return key if create_private(path, _as_hex(key)) else read_key(path)


def read_key(path: Path) -> IdKey:
    """A key from a file: 64 or more hexadecimal digits, or 32 or more bytes of any kind.

    Raises PrivacyError where the group or the world can read the file, UsageError where it is no key.
    """
    try:
        refuse_open_to_others(path)
        content = path.read_bytes()
    except OSError as error:
        raise EnvironmentFaultError(
            Problem(
                "E-ID-020",
                "the key file cannot be read.",
                "give --id-key-file a file that exists and that you may read.",
                Place(file=path.name),
            )
        ) from error
    return _parse(content, place=Place(file=path.name), hex_only=False)


def export_key(private: Path, target: Path) -> IdKey:
    """Copy a dataset's key into a new file of mode 0600, so that another dataset gives the same patients the same ids.

    Raises UsageError where the target exists, or the key is kept elsewhere.
    """
    if not (private / KEY_FILE).exists():
        raise UsageError(
            Problem(
                "E-ID-024",
                "the key of this dataset is not in its private folder.",
                "give the other dataset the same --id-key-file or SPORA_BUILD_ID_KEY as this one.",
                Place(file=f"{private.name}/{KEY_FILE}"),
            )
        )
    key = read_key(private / KEY_FILE)
    if not create_private(target, _as_hex(key)):
        raise UsageError(
            Problem(
                "E-ID-021",
                "there is a file already where the key should go.",
                "name a file that does not exist.",
                Place(file=target.name),
            )
        )
    return key


def import_key(private: Path, source: Path) -> IdKey:
    """Give a new dataset the key of another. Raises PrivacyError where the dataset has a different key already."""
    key = read_key(source)
    make_private_folder(private)
    path = private / KEY_FILE
    if not create_private(path, _as_hex(key)) and read_key(path) != key:
        raise PrivacyError(
            Problem(
                "E-ID-022",
                "this dataset has another key already; its ids were made with that one.",
                "import the key before the first build, or build under a new dataset name.",
                Place(file=f"{private.name}/{KEY_FILE}"),
            )
        )
    return key


def _as_hex(key: IdKey) -> bytes:
    return key.secret.hex().encode() + b"\n"


def _parse(content: bytes, *, place: Place, hex_only: bool) -> IdKey:
    stripped = content.strip()
    if _HEX.match(stripped):
        secret = bytes.fromhex(stripped.decode()) if len(stripped) % 2 == 0 else b""
    else:
        secret = b"" if hex_only else content
    try:
        return IdKey(secret)
    except ValueError:
        raise UsageError(
            Problem(
                "E-ID-023",
                "this is no key: 64 random hexadecimal digits"
                + ("" if hex_only else ", or 32 random bytes or more,")
                + " are needed.",
                "make one with: python -c 'import secrets; print(secrets.token_hex(32))', kept in a file of mode 600.",
                place,
            )
        ) from None
