"""The plan of a conversion, tissue by tissue."""

from __future__ import annotations

from rich.markup import escape

from spora_build.cli.console import out, show_line
from spora_build.workflows.planning.plan import Plan, PlannedImage


def show_plan(plan: Plan) -> None:
    """What becomes which tissue_id at which mpp, sizes, and the disk that it takes at most."""
    for tissue in plan.tissues:
        out.print(f"[bold]{tissue.tissue_id}[/bold]")
        for image in tissue.images:
            show_line(f"  {_line(image)}", indent=6)
    images = sum(len(tissue.images) for tissue in plan.tissues)
    out.print(
        f"{len(plan.tissues)} tissues, {images} images, {_size(plan.raw_bytes)} of raw pixels;"
        f" at most {_size(plan.output_bytes)} on disk, usually a third of that."
    )


def _line(image: PlannedImage) -> str:
    raw = f"{len(image.channels)} × {image.size.height} × {image.size.width} {image.dtype}, {image.native_mpp:g} µm"
    written = ", ".join(f"{o.mpp:g} µm ({o.size.height} × {o.size.width})" for o in image.outputs)
    origin = f"[dim]({escape(image.pixel_size.origin)})[/dim]"
    return f"{image.modality}, row {image.row}: {escape(image.shown_name)}, {raw} {origin} → {written}"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
