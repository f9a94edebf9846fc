"""Text burnt into a picture: rows of thin, sharp, equally tall signs in one pure colour, as no tissue grows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 80, 190
"""A channel of overlaid text is off or on; stained tissue mostly lies between."""
LEAST_SIGNS = 5
"""Signs in a row from which it is text: three aligned nuclei are an accident."""
_LEAST_OF_A_KIND = 3
"""Signs of just the same height among them."""
LEAST_HEIGHT_PX, MOST_HEIGHT_PX = 7, 96
_MOST_CANDIDATES = 1500
"""More signs of one colour in one window are a texture."""
_STROKE = 0.24
"""Half a stroke's width at most, in heights; a blob has up to half."""
_MOST_FILL = 0.7
_MOST_GAP = 1.8
"""Between neighbours on a line, in heights."""
_CONTRAST = 60


@dataclass(frozen=True)
class Sign:
    """The box of one connected piece of one colour."""

    top: int
    left: int
    bottom: int
    right: int
    stroke: float
    """Radius of the largest disk inside, in pixels."""

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top


def count_text_signs(picture: NDArray[np.uint8]) -> int:
    """Letters and digits that stand in rows, or in columns of turned text, in a picture (3, H, W); 0 where none do.

    Looks for signs of 7 to 96 px in black, white or a pure colour on something else. Handwriting, pale or blurred
    text and letters that touch each other are missed.
    """
    return max((_longest_row(mask, picture) for mask in _pure_colours(picture)), default=0)


def _longest_row(mask: NDArray[np.bool_], picture: NDArray[np.uint8]) -> int:
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3), bool))
    if count < LEAST_SIGNS:
        return 0
    areas, boxes = np.bincount(labels.ravel()), ndimage.find_objects(labels)
    turned = [(cols, rows) for rows, cols in boxes]
    signs = _signs(labels, areas, boxes, picture)
    turned_signs = _signs(labels.T, areas, turned, picture.transpose(0, 2, 1))
    rows = [*_rows_of(list(signs)), *_rows_of(list(turned_signs))]
    return max(map(len, rows), default=0)


def _pure_colours(picture: NDArray[np.uint8]) -> Iterator[NDArray[np.bool_]]:
    """Where a colour is whose channels are all off or on, for each of the eight that may make a row of signs."""
    high, between = picture >= HIGH, (picture > LOW) & (picture < HIGH)
    code = sum((high[channel] * np.uint8(1 << channel) for channel in range(3)), 8 * between.any(axis=0).view(np.uint8))
    for colour in range(8):
        mask: NDArray[np.bool_] = code == colour
        # a sign has pixels in each of its rows
        if np.count_nonzero(mask) >= LEAST_SIGNS * LEAST_HEIGHT_PX and (
            _may_hold_a_row(mask) or _may_hold_a_row(mask.T)
        ):
            yield mask


def _may_hold_a_row(mask: NDArray[np.bool_]) -> bool:
    """Whether a line of pixels goes through enough pieces: one through the feet of a row meets all of its signs."""
    begins = mask[:, 1:] > mask[:, :-1]
    pieces = begins.sum(axis=1) + mask[:, 0]
    return bool(pieces.max(initial=0) >= LEAST_SIGNS)


def _signs(
    labels: NDArray[Any], areas: NDArray[np.int64], pieces: list[tuple[slice, slice]], picture: NDArray[np.uint8]
) -> Iterator[Sign]:
    """Pieces of one colour with the size, the thin strokes and the sharp edge of a letter."""
    from scipy import ndimage

    boxes = [(label, box) for label, box in enumerate(pieces, start=1) if _is_sign_like(box, int(areas[label]))]
    if not LEAST_SIGNS <= len(boxes) <= _MOST_CANDIDATES:
        return
    aligned = _in_company(np.array([[r.start, c.start, r.stop, c.stop] for _, (r, c) in boxes]))
    for at in np.flatnonzero(aligned):
        label, (rows, cols) = boxes[at]
        piece = np.pad(labels[rows, cols] == label, 1)
        stroke = float(ndimage.distance_transform_edt(piece).max())
        height = rows.stop - rows.start
        if stroke <= max(1.5, _STROKE * height) and _stands_out(label, labels, picture, rows, cols):
            yield Sign(rows.start, cols.start, rows.stop, cols.stop, stroke)


def _in_company(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which boxes (top, left, bottom, right) have enough others near on their line to be looked at."""
    top, left, bottom, right = boxes.T
    height = bottom - top
    slack = 0.6 + 0.06 * height[:, None]
    ratio = height / height[:, None]
    near = (np.abs(bottom - bottom[:, None]) <= slack) & (ratio >= 0.6) & (ratio <= 1.7)
    gap = np.maximum(left - right[:, None], left[:, None] - right)
    near &= gap <= (_MOST_GAP * LEAST_SIGNS + LEAST_SIGNS) * height[:, None]
    alike = near & (np.abs(height - height[:, None]) <= slack)
    seeds = (near.sum(axis=1) >= LEAST_SIGNS) & (alike.sum(axis=1) >= _LEAST_OF_A_KIND)
    company: NDArray[np.bool_] = near[seeds].any(axis=0)
    return company


def _is_sign_like(box: Any, area: int) -> bool:
    """Whether a piece is as tall as a letter, and neither wide nor solid (an ellipse fills 0.79 of its box)."""
    height, width = (int(side.stop - side.start) for side in box)
    if not (LEAST_HEIGHT_PX <= height <= MOST_HEIGHT_PX and width <= 1.5 * height):
        return False
    return width < 0.45 * height or area <= _MOST_FILL * height * width


def _stands_out(label: int, labels: NDArray[Any], picture: NDArray[np.uint8], rows: slice, cols: slice) -> bool:
    """Whether the colour two or three pixels away is another one, nearly all around."""
    from scipy import ndimage

    reach = 4
    top, left = max(0, rows.start - reach), max(0, cols.start - reach)
    window = np.s_[top : rows.stop + reach, left : cols.stop + reach]
    piece = labels[window] == label
    ring = ndimage.binary_dilation(piece, iterations=3) & ~ndimage.binary_dilation(piece, np.ones((3, 3)))
    own = picture[:, window[0], window[1]].astype(np.int16)
    colour = np.median(own[:, piece], axis=1)
    different = np.abs(own[:, ring] - colour[:, None]).max(axis=0, initial=0) >= _CONTRAST
    share: float = different.mean() if different.size else 0.0
    return share >= 0.8


def _rows_of(signs: list[Sign]) -> list[list[Sign]]:
    """Signs on one line: feet at one height, capitals and small letters, narrow gaps, one kind of stroke."""
    signs = sorted(signs, key=lambda sign: sign.left)
    rows = []
    for seed in signs:
        slack = _slack(seed)
        line = [s for s in signs if abs(s.bottom - seed.bottom) <= slack and 0.6 <= s.height / seed.height <= 1.7]
        for run in _runs(line, seed.height):
            tall = [sign for sign in run if abs(sign.height - seed.height) <= slack]
            others = sorted(sign.height for sign in run if abs(sign.height - seed.height) > slack)
            other = others[len(others) // 2] if others else 0
            row = [*tall, *(s for s in run if s not in tall and abs(s.height - other) <= slack)]
            strokes = np.array([sign.stroke for sign in row])
            if (
                len(tall) >= _LEAST_OF_A_KIND
                and len(row) >= max(LEAST_SIGNS, 0.75 * len(run))
                and strokes.std() <= 0.3 * strokes.mean()
            ):
                rows.append(row)
    return rows


def _slack(sign: Sign) -> float:
    return 0.6 + 0.06 * sign.height


def _runs(line: list[Sign], height: int) -> Iterator[list[Sign]]:
    run: list[Sign] = []
    for sign in line:
        if run and sign.left - run[-1].right > _MOST_GAP * height:
            yield run
            run = []
        run.append(sign)
    yield run
