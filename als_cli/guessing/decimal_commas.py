"""Columns of values whose numbers have decimal commas. als reads them only after a query has converted them."""

from als_cli.guessing.facts import text_of
from als_cli.guessing.names import name_score
from als_cli.guessing.nested import quoted
from als_cli.guessing.source_survey import SourceSurvey

_NAMED = 0.45
_NUMBER = r"^[-+]?\d+(\.\d{3})*(,\d+)?$"


def decimal_commas(source: SourceSurvey) -> list[str]:
    """Return a note for each column of `source` that would be the value if its numbers had decimal points."""
    if "value" in source.roles:
        return []
    notes = []
    for name, facts in source.columns.facts.items():
        if name_score("value", name) < _NAMED or facts.is_numeric or not facts.values:
            continue
        values = text_of(source.columns.frame[name]).drop_nulls()
        if values.str.contains(_NUMBER).all() and values.str.contains(",", literal=True).any():
            convert = f"try_cast(replace({quoted(name)}, ',', '.') as double)"
            notes.append(
                f"column {name!r}, which would be the value: its numbers have decimal commas; a query can convert them:"
                f" {convert}"
            )
    return notes
