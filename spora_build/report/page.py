"""The report as one HTML page: everything in it, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spora_build.report import numbers
from spora_build.report.cohort_part import cohort_part, column_parts, summary
from spora_build.report.panel_part import panel_parts
from spora_build.report.suspicion import Suspicion, channel_z, find_suspicions
from spora_build.report.tissue_part import card, record
from spora_build.report.values import DatasetLook, Validation

TEMPLATES = Path(__file__).parent / "templates"
Z = Mapping[str, Mapping[tuple[str, str], float]]


def render(dataset: DatasetLook) -> str:
    """The whole page. The same text for the same values."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("number", "count", "percent", "plural", "modality_name"):
        environment.filters[name] = getattr(numbers, name)
    environment.filters["with_code"] = _with_code
    modalities = sorted({look.modality for tissue in dataset.looks.values() for look in tissue.modalities})
    z: dict[str, dict[tuple[str, str], float]] = {name: channel_z(dataset, name) for name in modalities}
    suspicions = find_suspicions(dataset, z)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    context = {
        "dataset": dataset,
        "verdict": verdict(dataset, suspicions),
        "summary": summary(dataset),
        "cohort": cohort_part(dataset),
        "columns": column_parts(dataset),
        "cards": [card(dataset, tissue, suspicions[tissue.tissue_id]) for tissue in dataset.tissues],
        "splits": sorted({tissue.split for tissue in dataset.tissues if tissue.split}),
        "modalities": sorted({name for tissue in dataset.tissues for name in tissue.modalities}),
        "suspicions": suspicions,
        "panels": panel_parts(dataset, z),
        "style": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "records": Markup(
            _json({t.tissue_id: record(dataset, t, suspicions[t.tissue_id], z) for t in dataset.tissues})
        ),
    }
    return environment.get_template("report.html.j2").render(context)


def _with_code(text: str) -> Any:
    """Words between backticks as code."""
    from markupsafe import Markup, escape

    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 and at < len(parts) - 1 else escape(part)
        for at, part in enumerate(parts)
    )


def _json(content: Any) -> str:
    """JSON that is safe inside a script element."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def verdict(dataset: DatasetLook, suspicions: Mapping[str, tuple[Suspicion, ...]]) -> dict[str, str]:
    """What a person who decides needs first: ``state`` (good, look, bad), ``title`` and ``text``."""
    validation: Validation = dataset.validation
    rules = numbers.plural(validation.passed + validation.failed, "rule")
    pixels = "every pixel was read" if validation.deep else "pixels were not read (report --deep does)"
    unseen = len(dataset.failures)
    look = sum(any(not s.is_note for s in found) for found in suspicions.values())
    if validation.errors or unseen:
        broken = f"validate found {numbers.plural(validation.errors, 'error')}" if validation.errors else ""
        lost = f"{numbers.plural(unseen, 'tissue')} could not be read" if unseen else ""
        text = _sentence(" and ".join(part for part in (broken, lost) if part))
        return {"state": "bad", "title": "Not ready to be sent", "text": f"{text} The findings below say what to do."}
    about = f"{rules} of the format checked, none broken as an error; {pixels}."
    if validation.warnings or look:
        parts = [numbers.plural(validation.warnings, "warning")] if validation.warnings else []
        parts += [f"{numbers.plural(look, 'tissue')} with something to look at"] if look else []
        if dataset.tissues and not dataset.looks:
            return {"state": "look", "title": "No images here", "text": f"{about} Only tables were looked at."}
        return {"state": "look", "title": "Valid, with things to look at", "text": f"{about} {' and '.join(parts)}."}
    title = "Ready to be sent" if validation.deep else "Nothing found; pixels not yet checked"
    return {"state": "good", "title": title, "text": f"{about} Nothing suspicious was seen."}
