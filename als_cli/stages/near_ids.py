"""Suggestions for an id that does not exist."""

import difflib

import polars as pl

_MAXIMUM_COMPARED = 2000
_EXAMPLES = 3


def near_ids(ids: pl.Series, text: str) -> str:
    """Return a hint with the ids most similar to `text`, or with some of the existing ids."""
    shown = [str(value) for value in ids.head(_EXAMPLES)]
    if ids.dtype == pl.String:
        near = _nearest(ids, text.strip())
        if near:
            return f"did you mean {' or '.join(near)}?"
    return f"ids look like {', '.join(shown)}"


def _nearest(ids: pl.Series, text: str) -> list[str]:
    # A comparison with millions of ids would take minutes. Ids with the same beginning or end are enough.
    head = text[: max(1, len(text) // 2)].casefold()
    tail = text[-max(1, len(text) // 2) :].casefold()
    folded = ids.str.to_lowercase()
    alike = ids.filter(folded.str.starts_with(head) | folded.str.ends_with(tail)).head(_MAXIMUM_COMPARED)
    by_folded = {value.casefold(): value for value in reversed(alike.to_list())}
    return [by_folded[name] for name in difflib.get_close_matches(text.casefold(), by_folded, n=_EXAMPLES)]
