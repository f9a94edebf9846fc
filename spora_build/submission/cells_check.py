"""What is wrong with the rows of a table of cells, found in one look at all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spora_build.errors import Problem
from spora_build.submission.cell_headers import CellsKey
from spora_build.submission.image_names import ImageNames
from spora_build.submission.problems import problem, rows_text

if TYPE_CHECKING:
    from spora_build.submission.tissues import ImageRow

MAX_LABEL = 2**32 - 1
"""Largest label of an unsigned 32-bit mask."""
UNKNOWN, MISSING = -1, -2
_LABEL = r"^0*[1-9][0-9]{0,9}(\.0+)?$"


class CellKeys:
    """The values by which cells find their tissue."""

    def __init__(self, key: CellsKey, names: Sequence[str]) -> None:
        self.key = key
        self.names = tuple(dict.fromkeys(names))
        self._codes = {name: code for code, name in enumerate(self.names)}
        self._images = ImageNames(self.names)

    @classmethod
    def of_images(cls, key: CellsKey, images: Sequence[ImageRow]) -> CellKeys:
        """The values of the rows of tissues.csv."""
        values = (key_of(image, key) for image in images)
        return cls(key, [value for value in values if value is not None])

    def code(self, value: str) -> int:
        """Position among ``names``, UNKNOWN where it is none of them."""
        found = self._images.find(value) if self.key == "image" else value
        return UNKNOWN if found is None else self._codes.get(found, UNKNOWN)

    def codes(self, column: Any) -> NDArray[np.int64]:
        """Code of each text of a pyarrow column, MISSING where there is none."""
        encoded = column.combine_chunks().dictionary_encode()
        known = [self.code(value) for value in encoded.dictionary.to_pylist()]
        indices = encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
        codes: NDArray[np.int64] = np.array([*known, MISSING], dtype=np.int64)[indices]
        return codes


def labels_of(column: Any) -> NDArray[np.int64]:
    """Labels of a pyarrow column of text, 0 where the text is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    valid = pc.fill_null(pc.match_substring_regex(column, _LABEL), False)
    digits = pc.replace_substring_regex(pc.if_else(valid, column, "0"), r"\.0+$", "")
    labels: NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy()
    return np.where(labels > MAX_LABEL, 0, labels)


def key_of(image: ImageRow, key: CellsKey) -> str | None:
    """What a cell of this image would say."""
    return image.image if key == "image" else image.tissue


class CellsCheck:
    """Sees all rows once, piece by piece, and keeps eight bytes of each and its number."""

    def __init__(self, file: str, keys: CellKeys, images: Sequence[ImageRow]) -> None:
        self.file, self.keys, self.images = file, keys, images
        self.seen: list[NDArray[np.int64]] = []
        self.numbers: list[NDArray[np.int64]] = []
        self.totals = np.zeros(len(keys.names), np.int64)
        self.total = self.unknown = 0
        self.unknown_values: set[str] = set()
        self.faults: defaultdict[str, list[Problem]] = defaultdict(list)

    def add(
        self, file: str, numbers: NDArray[np.int64], codes: NDArray[np.int64], key_column: Any, label_column: Any
    ) -> None:
        """Look at some rows; without ``key_column`` the file is the key, without ``label_column`` cells have none."""
        name = self.keys.key
        self.total += len(codes)
        self.unknown += int((codes == UNKNOWN).sum())
        if key_column is not None:
            values = key_column.unique().to_pylist()
            self.unknown_values.update(v for v in values if v and self.keys.code(v) == UNKNOWN)
        self._report(file, "E-CELL-003", numbers[codes == MISSING], name, name=name)
        if label_column is None:
            self.totals += np.bincount(codes[codes >= 0], minlength=len(self.totals))
            return
        labels = labels_of(label_column)
        for index in np.flatnonzero(labels == 0)[: self._room("E-CELL-004")]:
            text = label_column[int(index)].as_py()
            self._report(file, "E-CELL-004", numbers[[index]], "cell_id", value=text)
        good = (codes >= 0) & (labels > 0)
        self.totals += np.bincount(codes[good], minlength=len(self.totals))
        self.seen.append(codes[good] << 32 | labels[good])
        self.numbers.append(numbers[good])

    def finish(self, *, broken: bool) -> list[Problem]:
        """Every problem of the rows seen; ``broken`` where the files themselves have errors."""
        if not self.total:
            return [] if broken else [problem("E-SHEET-013", self.file)]
        self._find_repeats()
        problems = [fault for code in sorted(self.faults) for fault in self.faults[code]]
        if not self.images:
            return problems
        name, counts = self.keys.key, self.counts()
        if not counts:
            example = next(iter(self.keys.names), "core_01") if name == "image" else "in its column tissue"
            return [*problems, problem("E-CELL-007", self.file, name=name, example=example)]
        if self.unknown:
            count, total, values = self.unknown, self.total, len(self.unknown_values)
            problems.append(problem("W-CELL-006", self.file, count=count, total=total, values=values, name=name))
        if name == "image":
            several = Counter(image.image for image in self.images)
            problems += [problem("E-CELL-008", self.file, None, "image", at) for at in counts if several[at] > 1]
        without = [image.row for image in self.images if image.cell_mask and key_of(image, name) not in counts]
        if without:
            problems.append(problem("W-CELL-010", self.file, count=len(without), rows=rows_text(without)))
        return problems

    def counts(self) -> dict[str, int]:
        """Cells by key value, in the order of tissues.csv."""
        return {name: int(count) for name, count in zip(self.keys.names, self.totals, strict=True) if count}

    def _find_repeats(self) -> None:
        if not self.seen:
            return
        seen, numbers = np.concatenate(self.seen), np.concatenate(self.numbers)
        order = np.argsort(seen, kind="stable")
        same = np.flatnonzero(seen[order][1:] == seen[order][:-1])
        repeats = sorted((int(numbers[order[i + 1]]), int(numbers[order[i]])) for i in same)
        for number, other in repeats[: self._room("E-CELL-005")]:
            self._report(self.file, "E-CELL-005", np.array([number]), "cell_id", other=other, name=self.keys.key)

    def _room(self, code: str) -> int:
        from spora_build.submission.cells_source import MAX_REPORTED

        return max(0, MAX_REPORTED - len(self.faults[code]))

    def _report(
        self, file: str, code: str, numbers: NDArray[np.int64], column: str, value: str | None = None, **facts: object
    ) -> None:
        for number in numbers[: self._room(code)]:
            self.faults[code].append(problem(code, file, int(number), column, value, **facts))
