"""OME-TIFF: one or several images in one or several files; the pixels are believed before the XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from spora_build.errors import Place, Problem, UnreadableFileError
from spora_build.model.geometry import Size
from spora_build.model.roi import Roi
from spora_build.readers._cycles import cycle_names
from spora_build.readers._ome_planes import Members, pages_of_image
from spora_build.readers._ome_xml import OmeImage, OmeMetadata, OmeXmlError, parse_ome_xml
from spora_build.readers._pixel_size import first_found, from_tiff
from spora_build.readers._tiff_file import first_page, no_tiff, open_tiff
from spora_build.readers._tiff_pixels import TiffStore, tiff_store
from spora_build.readers._tiff_roi import channel_axis, make_roi, page_names, refused_roi, samples_of, stack_problem
from spora_build.readers.tiff import plain_rois

KIND = "OME-TIFF"
COMPANION = ".companion.ome"


def can_read(path: Path) -> bool:
    """A TIFF file whose first ImageDescription is OME-XML, or a companion file of such files."""
    if path.name.lower().endswith(COMPANION):
        return path.is_file() and "<OME" in _head_of(path)
    page = first_page(path)
    return page is not None and is_ome(page.description)


def is_ome(description: str) -> bool:
    """Whether an ImageDescription is OME-XML."""
    return description.rstrip("\0 \r\n\t").endswith("OME>") and "<" in description[:10]


@contextmanager
def open_rois(path: Path) -> Iterator[list[Roi]]:
    """One Roi per image, in the order of the XML. Raises UnreadableFileError."""
    with tiff_store() as store:
        yield _rois(store, path)


def _rois(store: TiffStore, path: Path) -> list[Roi]:
    is_companion = path.name.lower().endswith(COMPANION)
    if not is_companion and first_page(path) is None:
        raise no_tiff(path)
    try:
        metadata, source = _metadata(path, is_companion=is_companion)
        images = [image for image in metadata.images if image.planes or not is_companion]
        if not images:
            raise OmeXmlError("the OME-XML describes no image with pixels")
    except OmeXmlError as error:
        if is_companion:
            raise _no_metadata(path.name, str(error)) from error
        problem = _xml_problem(path.name, f"{error}: the pages of the file are read as they are")
        with open_tiff(path) as tiff:
            return plain_rois(store, path, tiff, [problem])
    with ExitStack() as stack:
        members = Members(source, stack)
        names = _unique_names(images)
        return [
            _roi(store, path, members, image, name, is_only=len(images) == 1)
            for image, name in zip(images, names, strict=True)
        ]


def _metadata(path: Path, *, is_companion: bool) -> tuple[OmeMetadata, Path]:
    """The metadata that describes the file's pixels, and the file it is in."""
    if is_companion:
        try:
            return parse_ome_xml(path.read_text(encoding="utf-8-sig", errors="replace"), path.name), path
        except OSError as error:
            raise _no_metadata(path.name, "it cannot be read") from error
    page = first_page(path)
    metadata = parse_ome_xml(page.description if page else "", path.name)
    if metadata.metadata_file is None:
        return metadata, path
    companion = path.parent / metadata.metadata_file
    if not metadata.metadata_file or not companion.is_file():
        raise _no_metadata(
            path.name, "they are in a companion file that its OME-XML names (BinaryOnly) and that is not beside it"
        )
    if companion.name.lower().endswith((".tif", ".tiff")):
        head = first_page(companion)
        return parse_ome_xml(head.description if head else "", companion.name), companion
    return _metadata(companion, is_companion=True)


def _roi(store: TiffStore, path: Path, members: Members, image: OmeImage, name: str, *, is_only: bool) -> Roi:
    size = Size(image.sizes["Y"], image.sizes["X"])
    try:
        found = pages_of_image(members, image, is_only=is_only)
    except UnreadableFileError as error:
        return refused_roi(error.problems[0], size, kind=KIND, name=name)
    pages, problems = list(found.pages), list(found.problems)
    first = pages[0][1]
    measured = first_found(image.physical_size, from_tiff(first, path.name))
    cycles = cycle_names(path, found.sizes)
    if channel_axis(found.sizes) is None and len(cycles) != len(pages):
        return refused_roi(
            stack_problem(found.sizes, path.name), size, kind=KIND, name=name, pixel_size=measured.pixel_size
        )
    if members.count > 1:
        problems.append(_set_note(path.name, members))
    problems += _lies(image, first, path.name)
    kept = len(samples_of(first, path.name).kept) * len(pages)
    names = cycles or (image.channel_names if any(image.channel_names) else ())
    if channel_axis(found.sizes) != "C" and len(names) != kept:
        names = ()  # one name for the only C, the markers are along another axis
    return make_roi(
        store,
        pages,
        file=path.name,
        measured=measured,
        kind=KIND,
        name=name,
        channel_names=names or page_names([page for _, page in pages]),
        modality_hint="codex" if cycles else None,
        problems=problems,
    )


def _lies(image: OmeImage, page: Any, file: str) -> list[Problem]:
    """Where the XML contradicts the page it describes."""
    lies = []
    declared = (image.sizes["Y"], image.sizes["X"])
    if declared != (page.imagelength, page.imagewidth):
        lies.append(f"{declared[0]} × {declared[1]} pixels, the file {page.imagelength} × {page.imagewidth}")
    dtype = {"float": "float32", "double": "float64", "bit": "bool"}.get(image.dtype, image.dtype)
    if dtype and dtype != str(page.dtype):
        lies.append(f"{dtype} pixels, the file {page.dtype}")
    return [_xml_problem(file, f"the OME-XML says {lie}") for lie in lies]


def _unique_names(images: list[OmeImage]) -> list[str]:
    """Image names; numbered where several images have the same, empty for the only image of a file without a name."""
    counts = Counter(image.name for image in images)
    return [
        image.name if counts[image.name] == 1 else f"{image.name or 'Image'} {index + 1}"
        for index, image in enumerate(images)
    ]


def _head_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(65_536).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _no_metadata(file: str, why: str) -> UnreadableFileError:
    return UnreadableFileError(
        Problem(
            "E-TIFF-004",
            f"the OME metadata of the image cannot be had: {why}.",
            "put all files of the set into one folder.",
            Place(file=file),
        )
    )


def _xml_problem(file: str, what: str) -> Problem:
    return Problem(
        "W-TIFF-011", f"{what}.", "nothing where the picture is right: pixels are believed.", Place(file=file)
    )


def _set_note(file: str, members: Members) -> Problem:
    what = f"the image lies in {members.count} files; opening any of them opens all."
    return Problem("N-TIFF-023", what, f"list only one of them, such as {members.first}.", Place(file=file))
