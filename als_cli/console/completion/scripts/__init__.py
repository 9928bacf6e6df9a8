"""The scripts that connect a shell with ``als``."""

from importlib.resources import files

SHELLS = ("bash", "zsh", "fish")


def script_of(shell: str) -> str:
    """Return the script of `shell`, one of SHELLS, as text."""
    return files("als_cli.console.completion.scripts").joinpath(f"als.{shell}").read_text(encoding="utf-8")
