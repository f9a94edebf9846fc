"""Regular expressions that cost nothing before they are asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property


class Expression:
    """A regular expression, compiled when it is first asked.

    Looking for names, dates and addresses in many languages takes almost a hundred of them, and most tables have none
    of the columns that these are about: compiling all would take longer than reading the tables.
    """

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text, self._flags = text, flags

    @cached_property
    def search(self) -> Callable[[str], re.Match[str] | None]:
        """See :meth:`re.Pattern.search`."""
        return self._compiled.search

    @cached_property
    def match(self) -> Callable[[str], re.Match[str] | None]:
        """See :meth:`re.Pattern.match`."""
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> Callable[[str], re.Match[str] | None]:
        """See :meth:`re.Pattern.fullmatch`."""
        return self._compiled.fullmatch

    @cached_property
    def finditer(self) -> Callable[[str], Iterator[re.Match[str]]]:
        """See :meth:`re.Pattern.finditer`."""
        return self._compiled.finditer

    @cached_property
    def findall(self) -> Callable[[str], list[str]]:
        """See :meth:`re.Pattern.findall`."""
        return self._compiled.findall

    @cached_property
    def sub(self) -> Callable[[str, str], str]:
        """See :meth:`re.Pattern.sub`."""
        return self._compiled.sub

    @property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)
