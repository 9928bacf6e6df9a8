"""Text of the data at the terminal: escapes instead of characters that control the terminal or the layout."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from als_cli.errors import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType

Shown = TypeVar("Shown")


def escaped(value: Any) -> Any:
    """Return `value`, a report or a part of one, with escapes instead of control characters in all its texts."""
    from als_cli.reports import Report

    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, Report):
        return value.model_copy(
            update={name: escaped(getattr(value, name)) for name in type(value).model_fields}
        )
    if isinstance(value, dict):
        return {escaped(name): escaped(entry) for name, entry in value.items()}
    return type(value)(map(escaped, value)) if isinstance(value, list | tuple) else value


def escaping(render: "Callable[[Shown], RenderableType]") -> "Callable[[Shown], RenderableType]":
    """Return the view `render` of a report, which gets the report with escapes instead of control characters.

    Ids and titles come from the data. As they are, they could move the cursor, colour the text or change the title of
    the window.
    """

    @wraps(render)
    def rendered(report: Shown) -> "RenderableType":
        return render(escaped(report))

    return rendered
