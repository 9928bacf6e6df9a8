"""Run the command line with ``python -m als_cli``."""

from als_cli.cli import main

if __name__ == "__main__":
    main()
