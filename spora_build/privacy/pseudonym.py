"""Pseudonyms: eight lower-case letters in place of an identifier."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import chain, count

from spora_build.errors import PrivacyError, Problem

CODE_LENGTH = 8
_LETTERS = 26
_FAIR_BYTES = 256 - 256 % _LETTERS
"""A byte below this stands for each letter equally often (9 × 26 = 234); the others are thrown away."""


class IdScheme(StrEnum):
    """How a raw identifier becomes a code."""

    KEYED = "keyed"
    """HMAC-SHA256 under a secret key: the same code for the same id, and no way back without the key."""
    SPORA = "spora"
    """Unkeyed SHA-256 as spora's authors do it: anybody can find a short id by trying them all."""
    RANDOM = "random"
    """Drawn once, remembered in the crosswalk alone: not derived from the identifier in any way."""


class IdKind(StrEnum):
    """What a code stands for; the same text gives unrelated codes for different kinds."""

    PATIENT = "patient"
    BIOPSY = "biopsy"
    VALUE = "value"


def normalise_raw_id(raw: str, scheme: IdScheme) -> str:
    """The spelling that is looked up and hashed: NFC without outer spaces, or for ``spora`` the text as it is.

    Raises PrivacyError (never showing the text) where nothing is left or the text has control characters.
    """
    text = raw if scheme is IdScheme.SPORA else unicodedata.normalize("NFC", raw).strip()
    has_controls = not text.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
    if has_controls or not text.strip():
        raise PrivacyError(
            Problem(
                "E-ID-001",
                "an identifier is empty or holds control characters.",
                "give every row an identifier of visible characters.",
            )
        )
    return text


def keyed_code(secret: bytes, text: str, kind: IdKind) -> str:
    """Eight letters from HMAC-SHA256(secret, message), every code equally likely.

    The message is the UTF-8 text for patients, and ``kind``, a zero byte and the text for all else (texts have no
    zero bytes, so the kinds never meet). Letters are taken from the digest's bytes by rejection sampling; should one
    digest not be enough, HMAC-SHA256(secret, zero byte, block number as 4 bytes big-endian, message) follow.
    """
    message = _message(text, kind)
    first = hmac.digest(secret, message, "sha256")
    more = (hmac.digest(secret, b"\0" + block.to_bytes(4, "big") + message, "sha256") for block in count(1))
    return letters(chain([first], more))


def spora_code(text: str, kind: IdKind) -> str:
    """The unkeyed code of spora's authors: the first 8 bytes of SHA-256(UTF-8 text), each ``chr(97 + byte % 26)``."""
    digest = hashlib.sha256(_message(text, kind)).digest()
    return "".join(chr(97 + byte % _LETTERS) for byte in digest[:CODE_LENGTH])


def random_code() -> str:
    """Eight letters from the operating system's randomness."""
    return letters(secrets.token_bytes(2 * CODE_LENGTH) for _ in count())


def scheme_warning(scheme: IdScheme) -> Problem | None:
    """What a contributor must know about the ``spora`` scheme; None for the others."""
    if scheme is not IdScheme.SPORA:
        return None
    return Problem(
        "W-ID-040",
        "ids of the scheme 'spora' have no key: whoever tries all short identifiers finds yours in seconds.",
        "use it only where the raw identifiers are public already; leave --id-scheme out otherwise.",
    )


def letters(blocks: Iterable[bytes]) -> str:
    """Eight unbiased letters from blocks of uniform bytes: bytes of 234 and more are skipped."""
    fair: Iterator[int] = (byte for block in blocks for byte in block if byte < _FAIR_BYTES)
    return "".join(chr(97 + next(fair) % _LETTERS) for _ in range(CODE_LENGTH))


def near_duplicates(ids: Sequence[str]) -> list[tuple[int, ...]]:
    """Groups of ids that may be one patient spelled twice, as positions of the first use of each spelling.

    ``P01``, ``p01``, ``P-01`` and ``P 1`` are near; ``1-11`` and ``11-1`` are not: letter case, punctuation and leading
    zeros do not count, the order of the letter and number runs does. Positions, so that a message can name rows
    without showing ids.
    """
    spellings: dict[str, int] = {}
    for position, raw in enumerate(ids):
        spellings.setdefault(unicodedata.normalize("NFC", raw).strip(), position)
    groups: dict[tuple[str, ...], list[int]] = {}
    for text, position in spellings.items():
        if key := _skeleton(text):
            groups.setdefault(key, []).append(position)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _skeleton(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return tuple(run.lstrip("0") or "0" if run.isdigit() else run for run in re.findall(r"\d+|[^\W\d_]+", plain))


def _message(text: str, kind: IdKind) -> bytes:
    prefix = b"" if kind is IdKind.PATIENT else kind.encode() + b"\0"
    return prefix + text.encode("utf-8")
