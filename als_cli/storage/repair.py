"""Errors about broken artifacts. Each names the file and the command that writes the artifact again."""

from pathlib import Path

from als_cli.errors import ArtifactError

COMMANDS = {
    "dataset": "ingest",
    "model": "train",
    "choice": "train",
    "evaluation": "evaluate",
    "backtest": "backtest",
    "recommendations": "recommend",
    "embeddings": "embeddings",
    "changes": "compare",
}
"""The command that writes each kind of artifact."""
_MAXIMUM_CHARACTERS = 200


def broken(path: Path, kind: str, reason: object) -> ArtifactError:
    """Return the error for the file at `path` of an artifact of `kind`. Only the first line of `reason` is shown."""
    return ArtifactError(f"{path} is broken: {one_line(reason)}", hint=f"run `als {COMMANDS[kind]}` again")


def one_line(text: object) -> str:
    """Return the first line of `text`, shortened, without control characters. Messages of libraries can have many lines."""
    first = (str(text).splitlines() or [""])[0]
    return "".join(c if c.isprintable() else "?" for c in first[:_MAXIMUM_CHARACTERS])
