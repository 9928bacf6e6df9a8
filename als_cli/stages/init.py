"""`als init`: look at event files, guess, and write a commented config."""

import os
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from als_cli.config.fields import working_folder
from als_cli.config.loading import load_config
from als_cli.config.query import EVENTS_TABLE
from als_cli.errors import AlsError, ConfigError, DataError
from als_cli.events.query import run_query
from als_cli.guessing.config_lines import Paths, config_lines
from als_cli.guessing.files import EventFiles, event_files
from als_cli.guessing.guess import Guess
from als_cli.guessing.job_names import cleaned, job_name
from als_cli.guessing.samples import Sample, read_sample
from als_cli.guessing.survey import Survey, survey_of
from als_cli.reports import Report
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.publish import staged_file
from als_cli.tables.delta import is_delta_table

_MAXIMUM_SOURCES = 50
_QUERIED_ROWS = 1000


class GuessReport(Report):
    """One guess."""

    key: str
    value: Any
    confidence: float
    """From 0 to 1."""
    sureness: str
    """sure, likely or unsure."""
    reasons: tuple[str, ...]
    alternatives: tuple[Any, ...]


class InitReport(Report):
    """What `als init` found and wrote."""

    config: str | None
    """The file that was written; None before it is written."""
    source: str
    files: int
    rows: int
    are_rows_exact: bool
    sampled_rows: int
    query: str | None
    guesses: tuple[GuessReport, ...]
    catalog: str | None
    catalog_join_rate: float | None
    """Fraction of the sampled items that the sampled catalogue contains."""
    notes: tuple[str, ...]
    """Files and columns that are left out, and why."""
    seconds: float


@dataclass(frozen=True)
class Looked:
    """Samples of the event files and of the catalogue."""

    files: EventFiles
    catalog: Sample | None
    started: float

    def survey(self, stated: Mapping[str, str]) -> Survey:
        """Return all guesses. `stated` has columns that the user named, by role, and `timestamp_format`.

        Raises
        ------
        ConfigError
            There is no column of that name.
        DataError
            No column of the catalogue has items of the events.
        """
        survey = survey_of(self.files, datetime.now(UTC), stated, self.catalog)
        names = list(survey.main.columns.facts)
        for role, name in stated.items():
            if name and role != "timestamp_format" and name not in names:
                raise ConfigError(
                    f"--column {role}={name}: {self.files.source} has no column {name!r}",
                    hint=f"its columns: {', '.join(names[:20])}{' …' if len(names) > 20 else ''}",
                )
        if self.catalog is not None and survey.catalog is None and "item" in survey.main.roles:
            raise DataError(
                f"{self.catalog.path}: no column has items of the events",
                hint=f"its columns are compared with column {survey.main.roles['item'].value!r} of the events;"
                " leave out --catalog, or name another column with --column item=NAME",
            )
        return survey


def look(events: str, catalog: str | None = None, wanted: Collection[str] = ()) -> Looked:
    """Return samples of the files of `events` (a file, a folder or a glob), and of the file `catalog`.

    Of many columns, the samples have the `wanted` ones and those with the likeliest names.

    Raises
    ------
    ConfigError
        `events` is stdin or a URL.
    DataError
        There is no such file, or it is no table.
    """
    started = time.perf_counter()
    return Looked(event_files(events, wanted), None if catalog is None else read_sample(catalog), started)


def report_of(looked: Looked, survey: Survey, config: Path | None = None) -> InitReport:
    """Return the report of `survey`; `config` is the file that was written."""
    catalog = survey.catalog
    return InitReport(
        config=None if config is None else str(config),
        source=survey.files.source,
        files=len(survey.files.files),
        rows=survey.files.rows,
        are_rows_exact=survey.files.are_rows_exact,
        sampled_rows=sum(sample.frame.height for group in survey.files.groups for sample in group.samples),
        query=survey.query,
        guesses=tuple(_described(guess) for guess in survey.guesses()),
        catalog=None if catalog is None else catalog.sample.path,
        catalog_join_rate=None if catalog is None else catalog.join_rate,
        notes=survey.notes,
        seconds=time.perf_counter() - looked.started,
    )


def check_separate(looked: Looked, written: Path, option: str) -> None:
    """Return when `written`, the path of `option`, is none of the event files and not the catalogue.

    Raises
    ------
    ConfigError
        It is one of them, possibly under another name.
    """
    inputs = [*looked.files.files, *([] if looked.catalog is None else [looked.catalog.path])]
    for name in inputs:
        if written.exists() and written.samefile(name):
            raise ConfigError(f"{option} {written} is one of the event files", hint="write to another file")


def check_target(target: Path, *, force: bool) -> None:
    """Return when the config may be written to `target`.

    Raises
    ------
    ConfigError
        The file exists, and `force` is not set.
    """
    if target.is_symlink() or (target.exists() and not force):
        raise ConfigError(
            f"{target} already exists", hint="add --force to replace it, or write another file with --output"
        )


def init(looked: Looked, survey: Survey, target: Path, *, force: bool = False) -> InitReport:
    """Write the config of `survey` to the file `target`, and return the report.

    The file is written in one step, after the loader of configs has accepted it.

    Raises
    ------
    ConfigError
        The file exists and `force` is not set. Or its outputs would be read as events.
    DataError
        No column of users or of items was found.
    ResourceError
        The file cannot be written.
    """
    _check_found(looked, survey)
    check_separate(looked, target, "--output")
    check_target(target, force=force)
    _check_query(survey)
    sources = _source_paths(survey)
    name = job_name(looked.files.source) if target.stem == "als" else cleaned(target.stem)
    refused: AlsError | None = None
    for above in (Path(), Path("..") / f"{name}-lists"):
        paths = Paths(
            events=tuple(_written(path, target) for path in sources),
            catalog=None if survey.catalog is None else _written(survey.catalog.sample.path, target),
            workspace=(above / "work" / name).as_posix(),
            output=(above / "out" / name).as_posix(),
        )
        try:
            _write(config_lines(survey, paths, target.name), target, force=force)
        except ConfigError as conflict:
            refused = refused or conflict
            continue
        return report_of(looked, survey, target)
    raise refused or AssertionError("a config is written or refused")


def _write(text: str, target: Path, *, force: bool) -> None:
    with staged_file(target) as partial:
        partial.write_text(text, encoding="utf-8")
        check_lists_output(load_config(partial, environment={}), target)
        check_target(target, force=force)


def _check_found(looked: Looked, survey: Survey) -> None:
    missing = [role for role in ("user", "item") if role not in survey.main.roles]
    if missing:
        names = list(survey.main.columns.facts)
        raise DataError(
            f"{looked.files.source}: no column of {missing[0]}s was found",
            hint=f"name it with --column {missing[0]}=NAME; the columns are {', '.join(names[:20])}"
            f"{' …' if len(names) > 20 else ''}",
        )


def _check_query(survey: Survey) -> None:
    """Run the query of `survey`, if it has one, on sampled rows."""
    if survey.query is not None:
        rows = survey.main.group.frame.head(_QUERIED_ROWS).lazy()
        with tempfile.TemporaryDirectory(prefix="als-init-") as folder:
            run_query(survey.query, {EVENTS_TABLE: rows}, Path(folder))


def _source_paths(survey: Survey) -> list[str]:
    """Return the paths of `events.source`: the path or glob, or all files if their columns differ."""
    files = survey.files
    if is_delta_table(files.source):
        # Later versions of the table have other files.
        if len(survey.sources) > 1 or files.glob is None:
            raise DataError(
                f"{files.source}: the files of the Delta table have different columns",
                hint="write the table again, so that all its files have all columns",
            )
        return [files.source]
    if len(survey.sources) == 1 and len(files.files) == 1:
        return [files.files[0]]
    if len(survey.sources) == 1 and files.glob is not None:
        return [files.glob]
    paths = list(files.files)
    if len(survey.sources) > 1:
        paths = [sample.path for source in survey.sources for sample in source.group.samples]
    if len(paths) > _MAXIMUM_SOURCES or len(paths) < len(files.files):
        raise DataError(
            f"{files.source}: there are too many files with different columns or names",
            hint="give a glob for files with the same columns",
        )
    return paths


def _written(path: str, target: Path) -> str:
    """Return `path` as it is written in the config: relative to the folder of `target` if it was relative."""
    folder = working_folder()
    if Path(path).is_absolute() and not Path(path).is_relative_to((folder / target).parent):
        return path
    relative = os.path.relpath(folder / path, (folder / target).parent)
    return f"./{relative}" if relative.startswith(("-", "~")) else relative


def _described(guess: Guess) -> GuessReport:
    return GuessReport(
        key=guess.key,
        value=guess.value,
        confidence=round(guess.confidence, 2),
        sureness=guess.sureness,
        reasons=guess.reasons,
        alternatives=guess.alternatives,
    )
