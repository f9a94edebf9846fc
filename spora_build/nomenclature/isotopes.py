"""Metals of mass cytometry in channel labels: ``Pr141``, ``141Pr``, ``(Ir191Di)``."""

from __future__ import annotations

import re

MASSES = {
    "Al": (27, 27), "Si": (28, 30), "Fe": (54, 58), "ArAr": (76, 80), "Ar": (36, 80), "Y": (89, 89), "Kr": (78, 86),
    "Nb": (93, 93), "Ru": (96, 104), "Rh": (103, 103), "Pd": (102, 110), "Ag": (107, 109), "Cd": (106, 116),
    "In": (113, 115), "Sn": (112, 124), "Sb": (121, 123), "Te": (120, 130), "I": (127, 127), "Xe": (124, 136),
    "Cs": (133, 133), "Ba": (130, 138), "La": (138, 139), "Ce": (136, 142), "Pr": (141, 141), "Nd": (142, 150),
    "Sm": (144, 154), "Eu": (151, 153), "Gd": (152, 160), "Tb": (159, 159), "Dy": (156, 164), "Ho": (165, 165),
    "Er": (162, 170), "Tm": (169, 169), "Yb": (168, 176), "Lu": (175, 176), "Hf": (174, 180), "Ta": (180, 181),
    "W": (180, 186), "Re": (185, 187), "Os": (184, 192), "Ir": (191, 193), "Pt": (190, 198), "Au": (197, 197),
    "Hg": (196, 204), "Tl": (203, 205), "Pb": (204, 208), "Bi": (209, 209), "BCKG": (60, 260),
}  # fmt: skip
"""Lightest and heaviest isotope of each element that a label may name; ``ArAr`` is the argon dimer of the plasma."""
NEVER_TAGS = frozenset(
    ("Ar", "ArAr", "Kr", "Sn", "Te", "I", "Xe", "Cs", "Ba", "Ta", "W", "Au", "Hg", "Tl", "Pb", "BCKG")
)
"""Gas, slide and environment: no antibody carries them."""

_NAMES = "|".join(sorted(MASSES, key=len, reverse=True))
PATTERN = rf"(?:(?:{_NAMES})-?[0-9]{{2,3}}|[0-9]{{2,3}}-?(?:{_NAMES}))(?:D[id])?"
"""A metal in a label, to be held against ``MASSES`` by :func:`metal`."""
_PARTS = re.compile(rf"(?:(?P<e1>{_NAMES})-?(?P<m1>[0-9]{{2,3}})|(?P<m2>[0-9]{{2,3}})-?(?P<e2>{_NAMES}))(?:D[id])?")


def metal(text: str) -> str | None:
    """``Pr141`` for ``141Pr``, ``Pr141``, ``Pr141Di``; None for everything else, impossible masses too."""
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        return None
    element, mass = match["e1"] or match["e2"], int(match["m1"] or match["m2"])
    lightest, heaviest = MASSES[element]
    return f"{element}{mass}" if lightest <= mass <= heaviest else None


def element(name: str) -> str:
    """``Pr`` of ``Pr141``."""
    return name.rstrip("0123456789")
