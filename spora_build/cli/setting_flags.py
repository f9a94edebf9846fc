"""Settings of spora.toml given as flags."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence

import typer


def parse_mpps(texts: Sequence[str] | None) -> list[float | str] | None:
    """Values of ``--mpp``: ``native`` or numbers."""
    return None if not texts else [_mpp(text) for text in texts]


def parse_overrides(texts: Sequence[str] | None) -> dict[str, object]:
    """Values of ``--mpp-override``, such as ``imc=1.0``, by dotted setting."""
    found: dict[str, object] = {}
    for text in texts or ():
        modality, _, value = text.partition("=")
        try:
            found[f"mpp_override.{modality.strip()}"] = float(value)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not like imc=1.0", param_hint="--mpp-override") from None
    return found


def parse_settings(texts: Sequence[str] | None) -> dict[str, object]:
    """Values of ``--set``, such as ``tiling.sizes=[128]``: a dotted setting and a value as spora.toml has it.

    A value that is no TOML is taken as text, so that quotes are not needed.
    """
    found: dict[str, object] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise typer.BadParameter(f"{text!r} is not like tiling.sizes=[128]", param_hint="--set")
        try:
            found[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key.strip()] = value.strip()
    return found


def _mpp(text: str) -> float | str:
    if text.strip().lower() == "native":
        return "native"
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither native nor a number", param_hint="--mpp") from None
