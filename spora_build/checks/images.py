"""Images: which there are, and whether their pixels can be what the tables say."""

from __future__ import annotations

from collections.abc import Iterator

from spora_build.checks.core import NotApplicableError, Violation, rule
from spora_build.checks.pixel_scan import scan
from spora_build.checks.stored_image import StoredImage
from spora_build.checks.view import DatasetView
from spora_build.errors import Severity
from spora_build.store.layout import resolution_folder

MULTIPLEX_TYPES = ("uint8", "uint16", "float32")
NUMBER_TYPES = (*MULTIPLEX_TYPES, "int8", "int16", "int32", "uint32", "float16", "float64")


@rule("V401", needs=["V103"], remedy="Convert the missing images, or drop their rows from tissues.parquet.")
def tissues_have_images(view: DatasetView) -> Iterator[Violation]:
    """Every tissue of a modality has its image at one pixel size at least."""
    for modality in view.modalities:
        with_image = {image.tissue_id for image in view.images_of(modality)}
        for tissue in sorted(view.tissues_of(modality) - with_image) if with_image else []:
            yield Violation(modality.folder, f"no image of {tissue}")


@rule(
    "V402",
    needs=["V103"],
    severity=Severity.WARNING,
    remedy="Convert the missing images, or leave these tissues out when loading this pixel size.",
)
def images_at_every_resolution(view: DatasetView) -> Iterator[Violation]:
    """Every tissue of a modality has its image at every pixel size of that modality.

    The reader lists a modality's tissues whatever the pixel size, and stops at one without an image.
    """
    for modality in view.modalities:
        images = view.images_of(modality)
        everywhere = {image.tissue_id for image in images} & view.tissues_of(modality)
        for mpp in view.resolutions(view.layout.modality(modality)):
            here = {image.tissue_id for image in images if image.mpp == mpp}
            for tissue in sorted(everywhere - here):
                yield Violation(f"{modality.folder}/{resolution_folder(mpp)}", f"no image of {tissue}")


@rule("V403", needs=["V103"], remedy="Add the tissue to tissues.parquet, or delete the image.")
def images_have_a_tissue(view: DatasetView) -> Iterator[Violation]:
    """Every image belongs to a row of tissues.parquet with its modality."""
    for image in view.images:
        if image.tissue_id not in view.tissues_of(image.modality):
            yield Violation(image.place)


@rule("V404", severity=Severity.WARNING, remedy="Move it out of the dataset.")
def stray_among_images(view: DatasetView) -> Iterator[Violation]:
    """Folders images/ hold nothing but <tissue_id>.ome.zarr folders."""
    for modality in view.modalities:
        for mpp in view.resolutions(view.layout.modality(modality)):
            for entry in view.entries(view.layout.resolution(modality, mpp) / "images"):
                if not (entry.is_dir() and entry.name.endswith(".ome.zarr")) and not entry.name.startswith("."):
                    yield Violation(view.place(entry))


def _images(view: DatasetView) -> list[StoredImage]:
    if not view.images:
        raise NotApplicableError("there are no images")
    return view.images


@rule("V405", remedy="Convert the image again: the reader opens Zarr v3.")
def image_groups(view: DatasetView) -> Iterator[Violation]:
    """An image is a Zarr v3 group."""
    for image in _images(view):
        if (image.group or {}).get("zarr_format") != 3 or (image.group or {}).get("node_type") != "group":
            yield Violation(image.place, "zarr.json is missing or is not that of a v3 group")


@rule("V406", remedy="Convert the image again.")
def image_arrays(view: DatasetView) -> Iterator[Violation]:
    """An image's pixels are its Zarr v3 array `0` with three axes, none of them empty."""
    for image in _images(view):
        array = image.array or {}
        if array.get("zarr_format") != 3 or array.get("node_type") != "array" or image.size is None:
            yield Violation(f"{image.place}/0", "zarr.json is missing or is not that of a v3 array (C, H, W)")


@rule("V407", remedy="Convert the images again, or delete the folder: the reader stops at a folder without images.")
def resolutions_have_images(view: DatasetView) -> Iterator[Violation]:
    """A modality's resolution folder holds images, or standardization alone where the images are not downloaded."""
    for modality in view.modalities:
        stored = {image.mpp for image in view.images_of(modality)}
        standardized = {folder.mpp for folder in view.standardizations if folder.modality == modality}
        for mpp in view.resolutions(view.layout.modality(modality)):
            if mpp not in stored | standardized:
                yield Violation(f"{modality.folder}/{resolution_folder(mpp)}", "no images")


@rule("V420", remedy="Convert to RGB, three uint8 channels; drop alpha.")
def rgb_images(view: DatasetView) -> Iterator[Violation]:
    """Images of H&E and IHC have three channels (red, green, blue) of uint8."""
    for image in _images(view):
        if not image.modality.is_multiplex and image.shape and (image.shape[0], image.dtype) != (3, "uint8"):
            yield Violation(image.place, f"{image.shape[0]} channels of {image.dtype}")


@rule("V421", remedy="Write the source's pixels as numbers.")
def multiplex_numbers(view: DatasetView) -> Iterator[Violation]:
    """Images of multiplex modalities hold numbers that the reader can turn into float32."""
    for image in _images(view):
        if image.modality.is_multiplex and image.dtype and image.dtype not in NUMBER_TYPES:
            yield Violation(image.place, image.dtype)


@rule("V422", severity=Severity.WARNING, remedy="Keep the source's dtype where it is one of these; convert otherwise.")
def multiplex_types(view: DatasetView) -> Iterator[Violation]:
    """Images of multiplex modalities are uint8, uint16 or float32."""
    for image in _images(view):
        if image.modality.is_multiplex and image.dtype in set(NUMBER_TYPES) - set(MULTIPLEX_TYPES):
            yield Violation(image.place, image.dtype or "")


@rule("V423", needs=["V324"], remedy="Write only the channels measured in that tissue, or correct its row.")
def channel_counts(view: DatasetView) -> Iterator[Violation]:
    """A multiplex image has as many channels as its row of channels_per_tissue.parquet has True."""
    for image in _images(view):
        names = view.measured(image.modality).get(image.tissue_id) if image.modality.is_multiplex else None
        if names is not None and image.shape and image.shape[0] != len(names):
            yield Violation(image.place, f"{image.shape[0]} channels, {len(names)} measured")


@rule("V424", needs=["V323", "V324"], remedy="Write the channels in the order of channels.parquet, labels with them.")
def channel_labels(view: DatasetView) -> Iterator[Violation]:
    """Labels of omero.channels are the channels measured in that tissue, in the order of channels.parquet."""
    for image in _images(view):
        names = view.measured(image.modality).get(image.tissue_id) if image.modality.is_multiplex else None
        if names is not None and image.labels != names:
            different = image.labels is not None and sorted(image.labels) == sorted(names)
            yield Violation(image.place, "another order" if different else "other names" if image.labels else "none")


@rule("V425", remedy="Write one entry of omero.channels per channel.")
def label_counts(view: DatasetView) -> Iterator[Violation]:
    """Where there are omero.channels, there is one per channel."""
    for image in _images(view):
        if image.labels is not None and image.shape and len(image.labels) != image.shape[0]:
            yield Violation(image.place, f"{len(image.labels)} labels, {image.shape[0]} channels")


@rule("V426", severity=Severity.WARNING, remedy="Write the channels in the order red, green, blue, labels with them.")
def rgb_labels(view: DatasetView) -> Iterator[Violation]:
    """Where images of H&E and IHC name their channels by colours, these are red, green and blue in this order."""
    for image in _images(view):
        initials = "".join(label[:1].upper() for label in image.labels or [])
        if not image.modality.is_multiplex and initials != "RGB" and sorted(initials) == sorted("RGB"):
            yield Violation(image.place, ", ".join(image.labels or []))


@rule("V431", deep=True, needs=["V406"], remedy="Convert or download the image again.")
def pixels_decode(view: DatasetView) -> Iterator[Violation]:
    """Every chunk decompresses, and its checksum is right."""
    for image in _images(view):
        damage = scan(view, image).damage
        if damage:
            yield Violation(image.place, damage)


@rule("V432", deep=True, needs=["V406"], remedy="Replace NaN and infinity in the source and convert again.")
def pixels_are_finite(view: DatasetView) -> Iterator[Violation]:
    """Pixels are finite numbers."""
    for image in _images(view):
        wrong = scan(view, image).nonfinite
        if wrong:
            yield Violation(image.place, f"{wrong} pixels are NaN or infinite")


@rule(
    "V433",
    deep=True,
    needs=["V304", "V323", "V324", "V406"],
    severity=Severity.WARNING,
    remedy="Set qc_pass to false for the channel.",
)
def passed_channels_have_signal(view: DatasetView) -> Iterator[Violation]:
    """A channel that is empty in every tissue has qc_pass false."""
    for modality in view.panels:
        seen: dict[str, bool] = {}
        for image in view.images_of(modality):
            names, found = view.measured(modality).get(image.tissue_id, []), scan(view, image).signal
            for name, signal in zip(names, found, strict=False):  # a damaged image has no signal
                seen[name] = seen.get(name, False) or signal
        table = view.channels(modality).rows
        passed = set(table.loc[table["qc_pass"].astype(bool), "channel_name"].astype(str))
        for name in sorted(name for name, signal in seen.items() if not signal and name in passed):
            yield Violation(view.channels(modality).place, name)
