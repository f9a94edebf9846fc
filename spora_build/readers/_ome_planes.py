"""From the planes that OME-XML declares to the TIFF pages that are there."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.readers._ome_xml import OmeImage, PlaneAddress
from spora_build.readers._tiff_file import first_page, open_tiff, pages_of

MAX_FILES = 4096


@dataclass(frozen=True)
class Member:
    """One file of a set, its header parsed."""

    path: Path
    pages: tuple[Any, ...]
    """Every ``tifffile.TiffPage`` of the main chain."""


@dataclass(frozen=True)
class ImagePages:
    """The pages of one image in channel order."""

    pages: tuple[tuple[Path, Any], ...]
    sizes: dict[str, int]
    """C, Z, T in planes, corrected where the XML does not describe what is there."""
    problems: tuple[Problem, ...] = ()


class Members:
    """Files of a set, opened when a plane of theirs is asked for."""

    def __init__(self, source: Path, stack: ExitStack) -> None:
        self.source = source
        """The file that holds the XML; not a TIFF file where it is a companion."""
        self._stack = stack
        self._found: dict[str, Member] = {}

    @property
    def count(self) -> int:
        """Files with pixels so far."""
        return len(self._found)

    @property
    def first(self) -> str:
        """The companion file where there is one, else the first file with pixels."""
        return self.source.name if self.source.name not in self._found and self._found else next(iter(self._found))

    def get(self, file: str | None) -> Member | None:
        """The member of this name in the folder of the set; None where there is no such TIFF file."""
        name = file or self.source.name
        if name not in self._found:
            path = self.source.parent / name
            if first_page(path) is None or len(self._found) >= MAX_FILES:
                return None
            tiff = self._stack.enter_context(open_tiff(path))
            self._found[name] = Member(path, tuple(pages_of(tiff, name)))
        return self._found[name]

    def is_self(self, image: OmeImage) -> bool:
        """Whether the only file that the XML names is absent: the file was renamed, and is meant itself."""
        named = {address.file for address in image.planes.values()}
        return len(named) == 1 and None not in named and not (self.source.parent / str(next(iter(named)))).is_file()


def pages_of_image(members: Members, image: OmeImage, *, is_only: bool) -> ImagePages:
    """Find the pages of an image. Raises UnreadableFileError where a file of the set or a plane is missing.

    A single image in a single file whose XML describes other planes than there are is read by its pages.
    """
    c, z, t = image.plane_sizes
    planes = image.planes or _all_in_order(image)
    own = members.get(None)
    if own is not None and members.is_self(image):
        planes = {place: PlaneAddress(None, address.ifd) for place, address in planes.items()}
    wanted = [(ci, zi, ti) for ti in range(t) for zi in range(z) for ci in range(c)]
    is_single_file = own is not None and all(address.file in {None, own.path.name} for address in planes.values())
    found = []
    for place in wanted:
        page = _page(members, planes.get(place))
        if page is None:
            if is_only and is_single_file and own is not None:
                return _by_pages(own, image)
            raise _missing(members, planes.get(place), place)
        found.append(page)
    if is_only and is_single_file and own is not None and len(_like_first(own.pages)) > len(found):
        return _by_pages(own, image)
    return ImagePages(tuple(found), {"C": c, "Z": z, "T": t})


def _all_in_order(image: OmeImage) -> dict[tuple[int, int, int], PlaneAddress]:
    sizes = dict(zip("CZT", image.plane_sizes, strict=True))
    axes = image.order[2:]
    planes = {}
    for number in range(sizes["C"] * sizes["Z"] * sizes["T"]):
        rest, place = number, {}
        for axis in axes:
            rest, place[axis] = divmod(rest, sizes[axis])
        planes[place["C"], place["Z"], place["T"]] = PlaneAddress(None, number)
    return planes


def _page(members: Members, address: PlaneAddress | None) -> tuple[Path, Any] | None:
    if address is None:
        return None
    member = members.get(address.file)
    if member is None or not 0 <= address.ifd < len(member.pages):
        return None
    return member.path, member.pages[address.ifd]


def _by_pages(own: Member, image: OmeImage) -> ImagePages:
    pages = _like_first(own.pages)
    c, z, t = image.plane_sizes
    what = f"the OME-XML describes {c * z * t} planes, the file holds {len(pages)}: all of them are read as channels."
    problem = Problem(
        "W-TIFF-012", what, "check the channel names in the panel sheet, in order.", Place(file=own.path.name)
    )
    return ImagePages(tuple((own.path, page) for page in pages), {"C": len(pages), "Z": 1, "T": 1}, (problem,))


def _like_first(pages: Sequence[Any]) -> list[Any]:
    first = pages[0]
    return [page for page in pages if page.shape == first.shape and page.dtype == first.dtype and not page.is_reduced]


def _missing(members: Members, address: PlaneAddress | None, place: tuple[int, int, int]) -> UnreadableFileError:
    channel = f"channel {place[0] + 1}"
    if address is not None and address.file is not None and members.get(address.file) is None:
        what = f"{channel} lies in a file that the OME-XML names and that is not beside this one or is no TIFF file."
        remedy = "put all files of the set into one folder."
    else:
        what = f"the OME-XML promises {channel}, slice {place[1] + 1}, time point {place[2] + 1}, and no page holds it."
        remedy = "export the image again."
    return UnreadableFileError(Problem("E-TIFF-005", what, remedy, Place(file=members.source.name)))
