"""What a column of measurements or labels of cells holds, decided piece by piece as a whole column would be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spora_build.submission.infer import comma_evidence, is_int, is_point_number

CellKind = Literal["text", "int", "float"]
DIGITS = 40
"""Programs print a measured double with all its digits, of which the nearest double loses nothing."""


def plain_number(text: str) -> str:
    """The text without a per cent sign at its end: 12 % is kept as the number 12."""
    return text[:-1].rstrip() if text.endswith("%") else text


@dataclass
class KindSoFar:
    """Which kinds all values seen so far allow."""

    ints: bool = True
    points: bool = True
    commas: bool = True
    decimal_comma: bool = False
    """A comma that cannot be a thousands separator was seen."""
    any: bool = False

    def add(self, texts: Sequence[str]) -> None:
        """Look at some values, none of them missing."""
        self.any = self.any or bool(texts)
        texts = [plain_number(text) for text in texts]
        self.ints = self.ints and all(map(is_int, texts))
        self.points = self.points and all(is_point_number(text, DIGITS) for text in texts)
        if self.commas:
            possible, certain = comma_evidence(texts, DIGITS)
            self.commas, self.decimal_comma = possible, self.decimal_comma or certain

    @property
    def kind(self) -> CellKind:
        """``text`` for a column without values; true and false stay text, for they are labels."""
        if not self.any:
            return "text"
        if self.ints:
            return "int"
        return "float" if self.points or (self.commas and self.decimal_comma) else "text"
