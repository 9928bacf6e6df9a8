"""A commented config from the guesses."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from als_cli.config.modeline import SCHEMA_MODELINE
from als_cli.config.yaml_text import write_value
from als_cli.errors import counted, one_line
from als_cli.guessing.event_types import TypeWeight
from als_cli.guessing.guess import Guess
from als_cli.guessing.samples import Sample
from als_cli.guessing.source_survey import SourceSurvey
from als_cli.guessing.survey import Survey

_WIDTH = 110
_ROLES = ("user", "item", "timestamp", "type", "value", "title")
_BLOCK_LINE = re.compile(r"[ -~]*\S")
_FEW_ITEMS = 40
"""Up to this number of items, lists are shorter than 20."""


@dataclass(frozen=True)
class Paths:
    """The paths of a config, as they are written in it."""

    events: tuple[str, ...]
    """One path or glob per source."""
    catalog: str | None
    workspace: str
    output: str


def config_lines(survey: Survey, paths: Paths, name: str) -> str:
    """Return the text of the config with file name `name`. `survey` has a column of users and a column of items."""
    lines = [
        SCHEMA_MODELINE,
        *_comment(f"Made by als init from {survey.files.source}. Each guess has its reason beside it."),
        f"# Check it with `als check -c {_printable(one_line(name))}`, then make lists with `als run`.",
        "# docs/configuration.md describes all keys.",
        f"workspace: {write_value(paths.workspace)}",
        "",
        "events:",
        *_indented(_events(survey, paths)),
        "",
        "# train is absent, so the hyperparameters are selected on validation periods.",
        "evaluate:",
        *_indented(_because(survey.split)),
        *_indented([f"split: {write_value(survey.split.value)}"]),
        "",
        "recommend:",
        *_indented(_recommend(survey, paths)),
    ]
    return "\n".join(lines) + "\n"


def _events(survey: Survey, paths: Paths) -> Iterator[str]:
    main = survey.main
    is_single = len(paths.events) == 1
    if is_single:
        yield from _comment(_size(survey))
        yield f"source: {write_value(paths.events[0])}"
    else:
        yield "source:"
        sources = _sources_of(survey)
        for path, source in zip(paths.events, sources, strict=True):
            yield f"  - path: {write_value(path)}"
            yield from _indented(_shape(source.group.main), 4)
            columns = {
                role: _column(source, source.roles[role].value) for role in _ROLES if role in source.roles
            }
            yield f"    columns: {write_value(columns)}"
    if is_single:
        yield from _shape(main.group.main)
    if survey.query is not None:
        yield from _comment("The query gives one event per row, with the columns that are used.")
        yield from _query(survey.query)
    yield from _columns(main, is_single=is_single, is_query=survey.query is not None)
    yield from _signal(survey)


def _sources_of(survey: Survey) -> list[SourceSurvey]:
    """Return the source of each path: one per file if there are several sources."""
    if len(survey.sources) == 1:
        return [survey.main] * len(survey.files.files)
    return [source for source in survey.sources for _ in source.group.samples]


def _size(survey: Survey) -> str:
    about = "" if survey.files.are_rows_exact else "about "
    files = len(survey.files.files)
    return about + counted(survey.files.rows, "row") + (f" in {files:,} files" if files > 1 else "")


def _shape(sample: Sample) -> Iterator[str]:
    """Yield the keys of the format that als does not take from the name of the file."""
    shape = sample.shape
    if shape is None:
        return
    yield f"separator: {write_value(shape.separator)}"
    if not shape.header:
        yield from _comment(f"{shape.header_reason}, so columns are numbered from 1")
    yield f"header: {write_value(shape.header)}"
    if shape.quote != '"':
        yield f"quote: {shape.quote} # quotes are part of the text"
    if shape.encoding != "utf-8":
        yield f"encoding: {shape.encoding}"


def _query(query: str) -> Iterator[str]:
    lines = query.split("\n")
    if all(_BLOCK_LINE.fullmatch(line) for line in lines):
        yield "query: |"
        yield from _indented(lines)
    else:
        yield f"query: {write_value(query)}"


def _columns(main: SourceSurvey, *, is_single: bool, is_query: bool) -> Iterator[str]:
    yield "columns:" if is_single else "# The columns of the first file:"
    for role in _ROLES:
        guess = main.roles.get(role)
        if guess is None:
            continue
        written = main.names[role] if is_query else _column(main, guess.value)
        before = f"{guess.value}: " if is_query else f"{role} {guess.value}: " if not is_single else ""
        lines = list(_comment(f"{before}{guess.sureness}: {_reasons(guess)}"))
        yield from _indented(lines) if is_single else lines
        if is_single:
            yield f"  {role}: {write_value(written)}"


def _column(source: SourceSurvey, name: str) -> str | int:
    return int(name) if source.columns.is_numbered and name.isdigit() else name


def _signal(survey: Survey) -> Iterator[str]:
    if survey.form is not None and survey.form.value != "auto":
        yield from _because(survey.form)
        yield f"timestamp_format: {write_value(survey.form.value)}"
    if survey.conditions:
        yield from (line for one in survey.conditions for line in _comment(one.reason))
        yield f"where: {write_value(' and '.join(one.sql for one in survey.conditions))}"
    if survey.bad_fraction is not None:
        yield from _because(survey.bad_fraction)
        yield f"max_bad_fraction: {survey.bad_fraction.value:g}"
    if survey.types is not None:
        yield from _types(survey.types)
    if survey.transform is not None:
        yield from _because(survey.transform)
        yield f"value_transform: {survey.transform.value}"


def _types(types: Mapping[str, TypeWeight]) -> Iterator[str]:
    yield from _comment(
        "The weight of each type of event in the sample. Types that are not listed are dropped."
    )
    if not all(one.is_known for one in types.values()):
        yield from _comment("Weights of unknown names come from the frequency: rare events count more.")
    yield "types:"
    for name, one in types.items():
        weight = int(one.weight) if one.weight == int(one.weight) else one.weight
        why = "known name" if one.is_known else "by frequency"
        comment = f"# {one.fraction:.1%} of the events, {why}"
        written = write_value({name: weight})[1:-1]
        if written.startswith("? "):  # YAML writes long keys on a line of their own
            yield f"  ? {write_value(name)}"
            yield f"  : {weight} {comment}"
        else:
            yield f"  {written} {comment}"


def _recommend(survey: Survey, paths: Paths) -> Iterator[str]:
    items = survey.main.column("item")
    count = 0 if items is None else items.n_unique()
    if survey.files.is_complete and count <= _FEW_ITEMS:
        yield from _comment(f"the events have only {counted(count, 'item')}")
        yield f"top_n: {max(1, min(20, count // 3))}"
    else:
        yield "top_n: 20"
    catalog = survey.catalog
    if catalog is not None and paths.catalog is not None:
        yield "items:"
        yield from _indented(_comment("Only items of the catalogue are recommended."))
        yield f"  catalog: {write_value(paths.catalog)}"
        yield from _indented(_shape(catalog.sample))
        yield from _indented(_comment(f"item: {_reasons(catalog.item)}"))
        yield f"  columns: {write_value(_catalog_columns(survey))}"
    yield f"output: {write_value({'path': paths.output})}"


def _catalog_columns(survey: Survey) -> dict[str, Any]:
    catalog = survey.catalog
    if catalog is None:
        return {}
    shape = catalog.sample.shape
    is_numbered = shape is not None and not shape.header
    found = {"item": catalog.item, "title": catalog.title}
    return {
        role: int(guess.value) if is_numbered else guess.value
        for role, guess in found.items()
        if guess is not None
    }


def _because(guess: Guess) -> Iterator[str]:
    yield from _comment(f"{guess.sureness}: {_reasons(guess)}")


def _reasons(guess: Guess) -> str:
    return "; ".join(guess.reasons)


def _comment(text: str) -> Iterator[str]:
    """Yield `text` as comments. It may contain names from a file, so control characters are escaped."""
    for line in textwrap.wrap(one_line(text), _WIDTH - 2, break_long_words=False, break_on_hyphens=False):
        yield f"# {_printable(line)}"


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "\ufffd" for one in text)


def _indented(lines: Iterator[str] | list[str], spaces: int = 2) -> Iterator[str]:
    for line in lines:
        yield f"{' ' * spaces}{line}" if line else ""
