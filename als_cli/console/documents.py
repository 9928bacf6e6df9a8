"""Documents on stdout: text that is printed as it is, without wrapping or colours."""

import sys

from als_cli.errors import streaming


def print_text(text: str) -> None:
    """Print `text` and a final newline on stdout."""
    with streaming("stdout"):
        sys.stdout.write(text.removesuffix("\n") + "\n")
        sys.stdout.flush()
