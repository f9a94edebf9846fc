"""The plan of a conversion as a table."""

from __future__ import annotations

from rich.table import Table

from spora_build.cli.console import out
from spora_build.workflows.planning.plan import Plan


def show_plan(plan: Plan) -> None:
    """What becomes which tissue_id at which mpp, sizes, and the disk that it takes at most."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("tissue_id", "image", "modality", "native", "channels", "written at"):
        table.add_column(title, overflow="fold")
    for tissue in plan.tissues:
        for image in tissue.images:
            written = ", ".join(f"{o.mpp:g} µm ({o.size.height} × {o.size.width})" for o in image.outputs)
            native = f"{image.native_mpp:g} µm, {image.size.height} × {image.size.width} {image.dtype}"
            table.add_row(
                tissue.tissue_id,
                image.shown_name + (f" [{image.series}]" if image.series else ""),
                image.modality.name,
                f"{native} ({image.pixel_size.origin})",
                str(len(image.channels)),
                written,
            )
    out.print(table)
    images = sum(len(tissue.images) for tissue in plan.tissues)
    out.print(
        f"{len(plan.tissues)} tissues, {images} images, {_size(plan.raw_bytes)} of raw pixels;"
        f" at most {_size(plan.output_bytes)} on disk, usually a third of that."
    )


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
