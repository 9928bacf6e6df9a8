"""Checks that no command writes where it reads. They run before any work and resolve all symbolic links."""

import os
from collections.abc import Iterable
from pathlib import Path

from als_cli.config.database import DatabaseConfig
from als_cli.config.recommend_checks import check_event_types, check_recommend
from als_cli.config.root import Config
from als_cli.errors import ConfigError
from als_cli.storage.databases.address import address_of
from als_cli.storage.lock import LOCK
from als_cli.storage.publish import check_replaceable_by_link
from als_cli.storage.publish_file import current_file_version
from als_cli.storage.read_paths import ReadPath, read_paths
from als_cli.storage.report_file import is_own_report, report_path
from als_cli.storage.sinks.delta_table import shortfall_table
from als_cli.storage.sinks.list_files import beside, changes_of, check_replaceable, files_of
from als_cli.storage.sinks.lists_place import DatabasePlace
from als_cli.storage.sinks.target import SUFFIX_OF_FORMAT, Target, target_of

_OUTPUT = "recommend.output.path"
_DATABASE = "recommend.output.database"
_EMBEDDINGS = "embeddings.path"
_OUTPUT_HINT = "set recommend.output.path (or --output) to a separate path, for example out/lists"
_TUNE_HINT = "set tune.output (or --output) to a separate file, or leave it out"
_ARTIFACTS = ("dataset", "models", "evaluations", "backtests", "hindsight", "runs")


def check_lists_output(config: Config, config_file: Path | None) -> None:
    """Return when section `recommend` fits together, and lists may be written to `recommend.output.path`.

    `config_file` is the file that `config` was read from.

    Raises
    ------
    ConfigError
        Keys of the section do not fit together, or name event types that the events lack. The output equals, contains or is inside an input or the workspace. Or the next run would read it as an input.
        Or it would replace a file that als did not write.
    """
    check_recommend(config.recommend)
    check_event_types(config.recommend, config.events)
    target = target_of(config.recommend.output)
    if target.format == "csv" and config.recommend.because:
        raise ConfigError(
            "recommend.output.format csv cannot store the reasons of recommend.because",
            hint="set recommend.output.format to parquet, ndjson or ipc, or leave out recommend.because",
        )
    if target.kind == "stdout":
        return
    if config.recommend.output.database is not None:
        _check_database(config, config_file, config.recommend.output.database)
        return
    for source in read_paths(config, config_file):
        _check_against_input(source, target)
    _check_against_workspace(Path(config.workspace), target)
    check_replaceable(target)


def check_separate_output(config: Config, lists: Config) -> None:
    """Return when `recommend.output` of `config` is separate from that of `lists`, and has the layout `rows`.

    Raises
    ------
    ConfigError
        Both are the same path or view, one contains the other, or the layout is `lists`.
    """
    target, other = target_of(config.recommend.output), target_of(lists.recommend.output)
    if target.layout != "rows":
        raise ConfigError(
            "this command writes rows only, but recommend.output.layout is lists",
            hint="add --set recommend.output.layout=rows",
        )
    hint = "give --output a path of its own"
    is_same = target.kind == other.kind == "database" and target.path == other.path
    if "database" not in (target.kind, other.kind) and "-" not in (target.path, other.path):
        path, place = Path(target.path), Path(other.path)
        is_same = _is_inside(path, place) or _is_inside(place, path)
    if is_same:
        raise _conflict("--output", target.path, "overlaps the lists of", _OUTPUT, other.path, hint)


def check_embeddings_output(config: Config, config_file: Path | None) -> None:
    """Return when the folder `embeddings.path` may be written.

    Raises
    ------
    ConfigError
        It equals, contains or is inside an input, the workspace or the lists. Or als did not make what is there.
    """
    path, hint = Path(config.embeddings.path), "set embeddings.path (or --output) to a separate folder"
    for source in read_paths(config, config_file):
        _refuse_input(_EMBEDDINGS, path, path, source, hint)
        if any(_is_inside(file, path) for file in source.files()):
            raise _conflict(_EMBEDDINGS, path, "contains", source.key, source.path, hint)
    others = {"workspace": config.workspace}
    if config.recommend.output.database is None and config.recommend.output.path != "-":
        others["recommend.output.path"] = config.recommend.output.path
    for key, other in others.items():
        if _is_inside(path, Path(other)) or _is_inside(Path(other), path):
            raise _conflict(_EMBEDDINGS, path, "overlaps", key, other, hint)
    check_replaceable_by_link(path)


def check_tune_output(config: Config, config_file: Path | None) -> None:
    """Return when the best config may be written to `tune.output`.

    Raises
    ------
    ConfigError
        `tune.output` is an input or an artifact of the workspace.
    """
    if config.tune.output is None:
        return
    output = Path(config.tune.output)
    for source in read_paths(config, config_file):
        _refuse_input("tune.output", output, output, source, _TUNE_HINT)
    workspace = Path(os.path.realpath(config.workspace))
    reserved = [workspace / name for name in (*_ARTIFACTS, LOCK, "tune/study.sqlite3")]
    if any(_is_inside(output, path) for path in reserved):
        raise _conflict("tune.output", output, "is an artifact in", "workspace", config.workspace, _TUNE_HINT)


def check_changes_output(changes: Path, config: Config, config_file: Path | None) -> None:
    """Return when `als compare` may write a table of changes to the file `changes`.

    Raises
    ------
    ConfigError
        `changes` is an input, is in the workspace, or als did not write what is there.
    """
    hint = "choose another path for --changes"
    for written in files_of(changes):
        for source in read_paths(config, config_file):
            _refuse_input("--changes", changes, written, source, hint)
        if _is_inside(written, Path(config.workspace)):
            raise _conflict("--changes", changes, "is in", "workspace", config.workspace, hint)
    if changes.exists() and not current_file_version(changes):
        raise ConfigError(f"{changes} was not written by als, so it is not replaced", hint=hint)


def check_report_output(config: Config, config_file: Path | None) -> None:
    """Return when the report may be written to `report.path`, or to its default in the workspace.

    Raises
    ------
    ConfigError
        It is an input, an artifact, or another output. Or als did not write what is there.
    """
    path, hint = report_path(config), "set report.path (or --report, --output) to a separate file"
    for source in read_paths(config, config_file):
        _refuse_input("report.path", path, path, source, hint)
        if any(source.would_read(file) for file in _resolved([path])):
            raise _conflict("report.path", path, "would be read as input by", source.key, source.path, hint)
    reserved = {
        "workspace": [Path(config.workspace) / name for name in (*_ARTIFACTS, LOCK, "choice", "tune")]
    }
    output = config.recommend.output
    if output.database is None and output.path != "-":
        reserved[_OUTPUT] = list(_written(target_of(output)))
    reserved[_EMBEDDINGS] = [Path(config.embeddings.path)]
    reserved["tune.output"] = [] if config.tune.output is None else [Path(config.tune.output)]
    for key, others in reserved.items():
        for other in others:
            if _is_inside(path, other) or _is_inside(other, path):
                raise _conflict("report.path", path, "overlaps", key, other, hint)
    if os.path.lexists(path) and not is_own_report(path):
        raise ConfigError(f"{path} was not written by als, so it is not replaced", hint=hint)


def check_log_file(log_file: Path, config: Config, config_file: Path | None) -> None:
    """Return when log lines may be appended to `log_file`.

    Raises
    ------
    ConfigError
        `log_file` is an input.
    """
    shown = Path(os.path.normpath(log_file.absolute()))
    for source in read_paths(config, config_file):
        _refuse_input("--log-file", shown, shown, source, "choose another --log-file")


def _check_database(config: Config, config_file: Path | None, database: DatabaseConfig) -> None:
    file = address_of(database).file
    if file is not None:
        for source in read_paths(config, config_file):
            _refuse_input(_DATABASE, file, file, source, "use another file")
        if _is_inside(file, Path(config.workspace)):
            raise _conflict(_DATABASE, file, "is in", "workspace", config.workspace, "use a file elsewhere")
    DatabasePlace(database).check_replaceable()


def _check_against_workspace(workspace: Path, target: Target) -> None:
    path = Path(target.path)
    if _is_inside(path, workspace):
        raise _conflict(_OUTPUT, path, "is in", "workspace", workspace, _OUTPUT_HINT)
    if target.kind != "file" and _is_inside(workspace, path):
        raise _conflict(_OUTPUT, path, "contains", "workspace", workspace, _OUTPUT_HINT)


def _check_against_input(source: ReadPath, target: Target) -> None:
    path = Path(target.path)
    written = (*_written(target), *changes_of(target))
    for file in written:
        _refuse_input(_OUTPUT, path, file, source, _OUTPUT_HINT)
    if target.kind != "file":
        _refuse_folder_of_input(path, source)
    if any(source.would_read(file) for file in _resolved(_list_files(target))):
        raise _conflict(_OUTPUT, path, "would be read as input by", source.key, source.path, _OUTPUT_HINT)


def _written(target: Target) -> tuple[Path, ...]:
    path = Path(target.path)
    if target.kind == "delta":
        return path, shortfall_table(path)
    return files_of(path) if target.kind == "file" else (path, *beside(path))


def _refuse_input(key: str, path: Path, written: Path, source: ReadPath, hint: str) -> None:
    """Raise a ConfigError if the file `written`, for the `path` given as `key`, is an input or is below one."""
    relation = "is" if written == path else f"also writes {written}, which is"
    for file in source.files():
        if _is_same(written, file):
            raise _conflict(key, path, f"{relation} the same file as", source.key, file, hint)
        if _is_inside(written, file):
            raise _conflict(key, path, "is in", source.key, file, hint)


def _refuse_folder_of_input(folder: Path, source: ReadPath) -> None:
    if any(_is_inside(file, folder) for file in (*source.files(), source.folder() / "*")):
        raise _conflict(_OUTPUT, folder, "contains", source.key, source.path, _OUTPUT_HINT)


def _list_files(target: Target) -> list[Path]:
    """Return the paths of the lists at `target`, each kind of file once."""
    path = Path(target.path)
    if target.kind == "file":
        return [*files_of(path), *changes_of(target)]
    if target.kind == "delta":
        partitions = Path(*(f"{name}=value" for name in target.output.partition_by))
        return [one / partitions / "part-00000.parquet" for one in (path, shortfall_table(path))]
    partitions = Path(*(f"{name}=value" for name in target.output.partition_by))
    part = path / partitions / f"part-00000{SUFFIX_OF_FORMAT[target.format]}"
    return [part, *beside(path), *changes_of(target)]


def _is_same(written: Path, file: Path) -> bool:
    try:
        linked = os.path.samefile(written, file)  # noqa: PTH121 - one of the two may not exist
    except OSError:
        linked = False
    return linked or not set(_resolved([written])).isdisjoint(_resolved([file]))


def _is_inside(path: Path, folder: Path) -> bool:
    """Return whether `path` is `folder` or below it."""
    resolved = Path(os.path.realpath(folder))
    return any(resolved == name or resolved in name.parents for name in _resolved([path]))


def _resolved(paths: Iterable[Path]) -> list[Path]:
    """Return each path twice: with all links resolved, and with links resolved in its folder only."""
    return [
        Path(name)
        for path in paths
        for name in (os.path.realpath(path), os.path.join(os.path.realpath(path.parent), path.name))  # noqa: PTH118
    ]


def _conflict(
    key: str, path: Path | str, relation: str, other: str, other_path: Path | str, hint: str
) -> ConfigError:
    return ConfigError(f"{key} {path} {relation} {other} {other_path}", hint=hint)
