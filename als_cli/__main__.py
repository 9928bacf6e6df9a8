"""The entry point of ``als`` and of ``python -m als_cli``."""

from als_cli.console.signals import exit_on_signals
from als_cli.console.start_up import start_fast
from als_cli.console.streams import ignore_narrow_columns, open_closed_streams


def main() -> None:
    """Run the command line.

    Signals and streams are set up first, because the import of the command line takes most of the start-up time.
    """
    exit_on_signals()
    open_closed_streams()
    ignore_narrow_columns()
    start_fast()
    from als_cli.cli import main as run

    run()


if __name__ == "__main__":
    main()
