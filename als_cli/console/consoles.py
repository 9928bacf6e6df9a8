"""The consoles of rich for the two output streams."""

from rich.console import Console

_MINIMUM_WIDTH = 20


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with code 1


def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout or stderr, at least 20 columns wide."""
    made = _Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    made.width = max(made.width, _MINIMUM_WIDTH)  # rich cannot lay out a table in fewer columns
    return made
