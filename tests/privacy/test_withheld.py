"""Values that somebody dropped are looked for elsewhere, where that says something."""

from __future__ import annotations

from spora_build.model.privacy_rules import Drop, Hash, Privacy
from spora_build.privacy.withheld import withheld_tokens, withheld_values

COLUMNS = {
    "name": ("Meier, Anna", "White", "Brunner Peter", None),
    "mrn": ("0471123", "77", "A4-88213", "0471123"),
    "mail": ("a@b.ch", None, None, None),
    "birth": ("1950-02-03", "1944-01-02", "1961-03-04", "1950-02-03"),
    "site": ("upper lobe", "lower lobe", "upper lobe", "upper lobe"),
    "chart": ("990011", "990012", "990013", "990014"),
}
RULES = Privacy(
    columns={f"clinical.{name}": Hash() if name == "mrn" else Drop() for name in COLUMNS if name != "chart"}
)


def test_telling_values_of_dropped_and_hashed_columns_are_remembered() -> None:
    found = dict(withheld_values("clinical", COLUMNS, RULES))
    assert found == {
        "clinical.name": {"Meier, Anna", "Brunner Peter"},
        "clinical.mrn": {"0471123", "A4-88213"},
        "clinical.mail": {"a@b.ch"},
    }
    assert "Meier" not in repr(list(withheld_tokens(found)))
