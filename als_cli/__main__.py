"""The entry point of ``als`` and of ``python -m als_cli``."""

import gc
import os

from als_cli.console.signals import exit_on_signals
from als_cli.console.streams import ignore_narrow_columns, open_closed_streams


def main() -> None:
    """Run the command line.

    Signals and streams are set up first, because the import of the command line takes most of the start-up time.
    """
    exit_on_signals()
    open_closed_streams()
    ignore_narrow_columns()
    _start_fast()
    from als_cli.cli import main as run

    run()


def _start_fast() -> None:
    """Switch off two costs of imports, about 60 ms. The session switches the garbage collector on again."""
    gc.disable()  # what modules create stays
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = (
        "__all__"  # plugins of other packages, for which pydantic searches
    )


if __name__ == "__main__":
    main()
