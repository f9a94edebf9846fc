"""What the scan of a finished tree would call a certain leak, found in a table before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spora_build.model.privacy_rules import Privacy
from spora_build.privacy import remedies
from spora_build.privacy.detectors import hidden_ids
from spora_build.privacy.finding import Finding
from spora_build.privacy.tokens import TokenSet


def certain_ids(
    table: str, columns: Mapping[str, Sequence[str | None]], rules: Privacy, tokens: TokenSet
) -> list[Finding]:
    """Columns that nobody has decided about and that hold one of ``tokens``, in any of their values.

    The detector of the gate compares identifiers by their runs of letters and digits, whatever their kind; this one
    knows patients from images, and so finds ``P-001`` as a word, too.
    """
    findings = []
    for name, values in columns.items():
        if rules.action(table, name) is None and tokens.in_values({value for value in values if value}):
            rows = sum(1 for value in values if value and tokens.in_text(value))
            remedy = f'{remedies.key(table, name)} = "drop"'
            reason = "has raw identifiers of this submission in its values"
            findings.append(Finding(hidden_ids.CODE, table, name, reason, rows, remedy))
    return findings
