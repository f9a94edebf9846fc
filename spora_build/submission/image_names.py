"""Which image of tissues.csv another program means by the name it gives: a file name, a stem, a sample."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_SUFFIXES = re.compile(r"(\.ome)?[.,][a-z][a-z0-9]{1,7}$", re.IGNORECASE)


@dataclass
class ImageNames:
    """Finds images by what they are called elsewhere; remembers what it found."""

    images: tuple[str, ...]
    """As tissues.csv writes them, each once."""
    _found: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, images: Iterable[str]) -> ImageNames:
        """Images in their order, repeats left out."""
        return cls(tuple(dict.fromkeys(images)))

    def find(self, text: str) -> str | None:
        """The image that is meant, None where there is none or more than one.

        In this order: the very path; the file name; its stem; the longest stem that starts the text's, or is started
        by it, up to a character that is neither letter nor digit (``core_1`` in ``core_1_cells``, not in ``core_12``).
        """
        if text not in self._found:
            self._found[text] = self._find(text)
        return self._found[text]

    def _find(self, text: str) -> str | None:
        path = text.replace("\\", "/").removeprefix("./")
        if path in self.images:
            return path
        name = path.rsplit("/", 1)[-1].casefold()
        for shape in (_file_name, stem):
            same = [image for image in self.images if shape(image) == shape(name)]
            if same:
                return same[0] if len(same) == 1 else None
        mine = stem(name)
        longest: tuple[int, list[str]] = (0, [])
        for image in self.images:
            shared = min(len(stem(image)), len(mine))
            if shared and _starts(stem(image), mine):
                longest = max(longest, (shared, []), key=lambda found: found[0])
                if longest[0] == shared:
                    longest[1].append(image)
        return longest[1][0] if len(longest[1]) == 1 else None


def _file_name(text: str) -> str:
    return text.rsplit("/", 1)[-1].casefold()


def stem(text: str) -> str:
    """A file's name without folders and suffixes, in lower case: ``core_1`` of ``img/Core_1.ome.tif``."""
    return _SUFFIXES.sub("", _file_name(text))


def _starts(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and not long[len(short) : len(short) + 1].isalnum()
