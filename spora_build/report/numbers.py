"""How numbers are written in the report."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 3) -> str:
    """About three significant digits, thousands with a thin space; an en dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e7 or size < 1e-3:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: int | None) -> str:
    """A whole number with thin spaces; an en dash for what is unknown."""
    return "–" if value is None else f"{value:,}".replace(",", "\u202f")


def percent(share: float | None) -> str:
    """A share as a percentage: whole, or with a digit below ten."""
    if share is None or not math.isfinite(share):
        return "–"
    percentage = share * 100
    if 0 < percentage < 0.05:
        return "< 0.1\u202f%"
    return f"{percentage:.1f}\u202f%" if 0 < percentage < 9.95 else f"{percentage:.0f}\u202f%"


def size(nbytes: int) -> str:
    """Bytes in powers of 1000."""
    value, unit = float(nbytes), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{number(value)} {unit}"


def length(um: float) -> str:
    """Micrometres, or millimetres from one on."""
    return f"{number(um / 1000)} mm" if um >= 1000 else f"{number(um)} µm"


def area(mm2: float | None) -> str:
    """Square millimetres, or square micrometres below a hundredth; an en dash for what is unknown."""
    if mm2 is not None and 0 < mm2 < 0.01:
        return f"{number(mm2 * 1e6)} µm²"
    return "–" if mm2 is None else f"{number(mm2)} mm²"


def signed(value: float | None, decimals: int) -> str:
    """A number with its sign, a real minus; ``0`` where it rounds to nothing, an en dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:+.{decimals}f}".replace("-", "−")
    return text if any(digit in text for digit in "123456789") else "0"


def plural(many: int, one: str) -> str:
    """``1 tissue``, ``2 tissues``."""
    return f"{count(many)} {one if many == 1 else one + 's'}"


NAMES = {"he": "H&E", "imc": "IMC", "codex": "CODEX", "cycif": "CyCIF", "mibi": "MIBI"}


def modality_name(modality: str) -> str:
    """A modality as people write it: ``H&E``, ``CODEX``, ``IHC FHL2``."""
    return f"IHC {modality[4:]}" if modality.startswith("ihc_") else NAMES.get(modality, modality)
