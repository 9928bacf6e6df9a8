"""What an id that is not there may have been meant to be."""

import difflib

import polars as pl

_LOOKED_AT = 2000
_EXAMPLES = 3


def near_ids(ids: pl.Series, text: str) -> str:
    """Return a hint: the ids most like `text`, else some of the ids there are."""
    shown = [str(value) for value in ids.head(_EXAMPLES)]
    if ids.dtype == pl.String:
        near = _nearest(ids, text.strip())
        if near:
            return f"did you mean {' or '.join(near)}?"
    return f"ids look like {', '.join(shown)}"


def _nearest(ids: pl.Series, text: str) -> list[str]:
    # Comparing with millions of ids would take minutes: those that begin or end alike are enough.
    half = text[: max(1, len(text) // 2)].casefold()
    folded = ids.str.to_lowercase()
    tail = text[-max(1, len(text) // 2) :].casefold()
    alike = ids.filter(folded.str.starts_with(half) | folded.str.ends_with(tail)).head(_LOOKED_AT)
    by_folded = {value.casefold(): value for value in reversed(alike.to_list())}
    return [by_folded[name] for name in difflib.get_close_matches(text.casefold(), by_folded, n=_EXAMPLES)]
