"""Nothing is written where als reads: checked before any work, on paths with all links resolved."""

import os
from collections.abc import Iterable
from pathlib import Path

from als_cli.errors import ConfigError
from als_cli.stages.context import StageContext
from als_cli.stages.read_paths import ReadPath, read_paths
from als_cli.storage.lock import LOCK
from als_cli.storage.sinks.list_files import check_replaceable, files_of
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target, target_of

_OUTPUT = "recommend.output.path"
_OUTPUT_HINT = "set recommend.output.path (or --output) to a place of its own, for example out/lists"
_TUNE_HINT = "set tune.output (or --output) to a file of its own, or leave it out"
_ARTIFACTS = ("dataset", "models", "evaluations", "backtests", "runs")


def check_lists_place(context: StageContext) -> None:
    """Return when lists may be written at the config's output.

    Raises
    ------
    ConfigError
        The output is, holds or lies in an input or the workspace; it would be read as an input by the next run; or
        als did not write what it would replace.
    """
    config = context.config
    target = target_of(config.recommend.output)
    if target.kind == "stdout":
        return
    for one in read_paths(config, context.config_file):
        _check_input(one, target)
    _check_workspace(context.workspace, target)
    check_replaceable(target)


def check_tune_place(context: StageContext) -> None:
    """Return when the winning config may be written at the config's `tune.output`.

    Raises
    ------
    ConfigError
        It is an input, or an artifact of the workspace.
    """
    if context.config.tune.output is None:
        return
    output = Path(context.config.tune.output)
    for one in read_paths(context.config, context.config_file):
        _refuse_if_same("tune.output", output, output, one, _TUNE_HINT)
    workspace = Path(os.path.realpath(context.workspace))
    taken = [workspace / name for name in (*_ARTIFACTS, LOCK, "tune/study.sqlite3")]
    if any(_is_inside(output, place) for place in taken):
        raise _conflict(
            "tune.output", output, "is an artifact in", "workspace", context.workspace, _TUNE_HINT
        )


def check_log_file(log_file: Path, context: StageContext) -> None:
    """Return when log lines may be appended to `log_file`.

    Raises
    ------
    ConfigError
        It is an input.
    """
    shown = Path(os.path.normpath(log_file.absolute()))
    for one in read_paths(context.config, context.config_file):
        _refuse_if_same("--log-file", shown, shown, one, "choose another --log-file")


def _check_workspace(workspace: Path, target: Target) -> None:
    path = Path(target.path)
    if _is_inside(path, workspace):
        raise _conflict(_OUTPUT, path, "is in", "workspace", workspace, _OUTPUT_HINT)
    if target.kind == "folder" and _is_inside(workspace, path):
        raise _conflict(_OUTPUT, path, "contains", "workspace", workspace, _OUTPUT_HINT)


def _check_input(one: ReadPath, target: Target) -> None:
    path = Path(target.path)
    written = files_of(path) if target.kind == "file" else (path,)
    for file in written:
        _refuse_if_same(_OUTPUT, path, file, one, _OUTPUT_HINT)
    if target.kind == "folder":
        _refuse_if_around(path, one)
    if any(one.would_read(file) for file in _resolved(_list_files(target))):
        raise _conflict(_OUTPUT, path, "would be read as input by", one.key, one.path, _OUTPUT_HINT)


def _refuse_if_same(key: str, path: Path, written: Path, one: ReadPath, hint: str) -> None:
    """Raise a ConfigError where the file `written`, for the path given as `key`, is a file that is read or below one."""
    also = "is" if written == path else f"also writes {written}, which is"
    for file in one.files():
        if _is_same(written, file):
            raise _conflict(key, path, f"{also} the same file as", one.key, file, hint)
        if _is_inside(written, file):
            raise _conflict(key, path, "is in", one.key, file, hint)


def _refuse_if_around(place: Path, one: ReadPath) -> None:
    if any(_is_inside(file, place) for file in (*one.files(), one.folder() / "*")):
        raise _conflict(_OUTPUT, place, "contains", one.key, one.path, _OUTPUT_HINT)


def _list_files(target: Target) -> list[Path]:
    """Return the files that lists at `target` consist of, each kind once."""
    path = Path(target.path)
    if target.kind == "file":
        return list(files_of(path))
    names = (f"part-00000{SUFFIX_OF_FORMAT[target.format]}", "manifest.json", "shortfall/shortfall.parquet")
    return [path / version / name for version in ("current", "versions/0") for name in names]


def _is_same(written: Path, file: Path) -> bool:
    try:
        linked = os.path.samefile(written, file)  # noqa: PTH121 - one of the two may not exist
    except OSError:
        linked = False
    return linked or not set(_resolved([written])).isdisjoint(_resolved([file]))


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether `path` is `folder` or below it."""
    place = Path(os.path.realpath(folder))
    return any(place == name or place in name.parents for name in _resolved([path]))


def _resolved(paths: Iterable[Path]) -> list[Path]:
    """Return each path with links resolved, and with links resolved in its folder only."""
    return [
        Path(name)
        for path in paths
        for name in (os.path.realpath(path), os.path.join(os.path.realpath(path.parent), path.name))  # noqa: PTH118
    ]


def _conflict(key: str, path: Path, relation: str, other: str, place: Path | str, hint: str) -> ConfigError:
    return ConfigError(f"{key} {path} {relation} {other} {place}", hint=hint)
