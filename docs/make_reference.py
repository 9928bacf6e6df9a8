# ruff: noqa: INP001 - a script, not a package
"""Write configs/reference.yaml and docs/configuration.md from the config's models.

    python docs/make_reference.py [FOLDER]

Keys, defaults and descriptions stand in als_cli/config only; tests/test_configs.py fails when these two files are old.
"""

import sys
import textwrap
import types
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from als_cli.config.descriptions import describe_keys
from als_cli.config.fields import Section, resolve_path
from als_cli.config.modeline import SCHEMA_MODELINE
from als_cli.config.root import Config

REQUIRED = {
    "source": "events/*.parquet",
    "path": "FILE",
    "uri": "sqlite:lists.sqlite",
    "file": "FILE",
    "catalog": "FILE",
    "active_since": "30d",
    "by": ["COLUMN"],
    "column": "COLUMN",
    "positions": [1],
}
"""What stands in the reference for keys without default."""

WORDS = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true, false",
    timedelta: "duration",
    datetime: "time",
    type(None): "nothing",
}

YAML_HEAD = f"""\
{SCHEMA_MODELINE}
# Every key, its default and what it means; made by docs/make_reference.py from als_cli/config.
# A real config holds only what differs: see quickstart.yaml. Relative paths start at the config file's folder.
"""

MARKDOWN_HEAD = """\
# Configuration

This page is for everyone who writes or reads a config. It explains what each key means, which values it takes, and what its
default is.

One YAML file holds the whole job. Only `events.source` is required. Unknown keys, repeated keys, NaN and values of
another type are errors, all reported at once. Made by `docs/make_reference.py` from `als_cli/config`.

`als explain KEY` prints the help for one key. Editors [check and complete](config-help.md#editors) the file.

* **Order.** A flag beats `--set KEY=VALUE`, which beats the environment, which beats the file, which beats the default.
* **`--set`** takes dotted keys. Keys whose values are text, words, paths, durations or times take the text as it is:
  `--set events.timestamp_format=%d.%m.%Y`, `--set "events.where=\\"Customer ID\\" is not null"`. An empty value or `null`
  removes an optional text. All other keys take YAML: `--set train.factors=128 --set 'evaluate.at=[5, 10]'`.
* **Environment.** `ALS_` and the key in upper case, a double underscore for each dot: `ALS_TRAIN__FACTORS=128`. Values are
  read as those of `--set` are.
* **Paths.** Relative ones start at the config file's folder; those of `--set` and the environment at the working folder.
* **Durations** are a number and a unit: `45m`, `12h`, `30d`, `2w`; at most `328725d` (900 years). **Times** are ISO 8601;
  without zone they are UTC.
* **Columns** are named, or numbered from 1. For delimited text, numbers need a declared `header`: `false` where the first
  line is data, `true` where it holds names.
* **Conditions** (`where`) are SQL expressions on the columns of one row; [below](#conditions).
* **Several sources** inherit `format`, `separator`, `header`, `quote` and `encoding` from `events` where they
  have none of their own.
* **Ids** in text become integers only where every id reads back unchanged: `007` stays text. Numbers in one source and
  words in another are an error, unless `events.id_types` decides.
* **Epoch times** are told apart (s, ms, us, ns) only where all of them make sense in one unit; otherwise declare it.

## Conditions

`events.where`, `recommend.items.where` and the `where` of pinned and promoted rules take one SQL expression on the columns of one row. It is checked before any
file is opened. Only what this table lists is allowed.

| | allowed |
|---|---|
| columns | `price`, `"Customer ID"`, `"3"`. Names are case-sensitive. Names with spaces, leading digits or the name of an SQL word need double quotes. |
| values | `1`, `2.5e3`, `'text'`, `'it''s'`, `true`, `false`, `null`, `date '2026-01-31'`, `time '06:00:00'`, `timestamp '2026-01-31 06:00:00'`, `interval '30 days'` |
| comparison | `=` (or `==`), `<>` (or `!=`), `<`, `<=`, `>`, `>=`, `between 1 and 2`, `in ('a', 'b')`, `is null`, `is true`, `is false`; `between`, `in` and `is` also with `not`. Lists hold values, not columns. Dates and times compare to `date` and `timestamp` values, not to text. |
| text patterns | `like`, `ilike` (`%`, `_`); regular expressions: `~` (or `regexp`, `rlike`), `~*` (ignores case), `!~`, `!~*`. The pattern is a text in single quotes. |
| logic | `and`, `or`, `not`, parentheses, `case when … then … else … end`. A row whose condition is unknown (null) does not satisfy it. |
| arithmetic | `+`, `-`, `*`, `/` (always with decimals), `//` (without), `%`, `\\|\\|` (joins text), `&`, `\\|` (bits and truth values). For integers, `//` and `%` by zero give null. |
| types | `cast(x as type)`, `try_cast(x as type)` (null where it fails), `x::type`, with one of `tinyint`, `smallint`, `int` (or `integer`, 32 bits), `bigint`, `real`, `float`, `double`, `boolean`, `varchar`, `text`, `string`, `date`, `time`, `timestamp`, `datetime` |
| functions on text | `lower`, `upper`, `length`, `char_length`, `trim`, `ltrim`, `rtrim`, `left`, `right`, `substr`, `substring`, `replace`, `concat`, `concat_ws`, `starts_with`, `ends_with`, `strpos`, `regexp_like`. Patterns and separators are texts in single quotes. |
| functions on numbers | `abs`, `round`, `floor`, `ceil`, `ceiling`, `sign`, `sqrt`, `power`, `pow`, `exp`, `ln`, `log2`, `log10`, `mod`, `greatest`, `least` |
| functions on null | `coalesce`, `ifnull`, `nullif`, `if` |
| functions on times | `extract(part from x)`, `date_part('part', x)`, with one of `year`, `quarter`, `month`, `week`, `day`, `dow`, `isodow`, `doy`, `hour`, `minute`, `second`; `year`, `quarter`, `month`, `week`, `day`, `dayofweek`, `dayofyear`, `hour`, `minute`, `second`; `strftime(x, '%Y-%m')`, `strptime(x, '%d.%m.%Y')`, `date(x, '%d.%m.%Y')` |

* Subqueries, table functions, aggregates (`sum(quantity) > 1`), window functions, several statements, placeholders and the
  current time are not allowed.
* Columns of delimited text that hold only numbers (without leading zeros), or only true and false, compare as such.
* `cast` and `strptime` fail on a value that they cannot convert, and the command exits with code 3 and names the row; `try_cast` gives null.
* Comments (`--`, `/* */`) are ignored.
* A condition has up to 16 levels of parentheses and 2,000 columns and values. Lists of `in` may be longer.
"""


def sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Yield the section models that `annotation` allows, in order."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from sections_in(part)


def describe_type(annotation: Any, metadata: list[Any]) -> str:
    """Return what a value of this annotation looks like in YAML."""
    origin, parts = get_origin(annotation), get_args(annotation)
    inner = [describe_type(part, []) for part in parts if isinstance(part, type) or get_origin(part)]
    if any(getattr(entry, "func", None) is resolve_path for entry in metadata):
        text = "path"
    elif origin is Annotated:
        text = describe_type(parts[0], list(annotation.__metadata__))
    elif origin is Literal:
        text = ", ".join(f"`{value}`" for value in parts)
    elif origin in (tuple, dict):
        text = ("list of " if origin is tuple else "mapping from ") + " to ".join(inner)
    elif origin in (Union, types.UnionType):
        text = " or ".join(dict.fromkeys(word for word in inner if word != "nothing"))
    else:
        text = "section" if issubclass(annotation, Section) else WORDS[annotation]
    return text


def fields_of(model: type[Section]) -> list[tuple[str, FieldInfo]]:
    """Return the fields of `model`, required ones first."""
    return sorted(model.model_fields.items(), key=lambda named: not named[1].is_required())


def default_of(name: str, field: FieldInfo) -> Any:
    """Return the default of a field as it would stand in YAML; a section's default is the section's model."""
    if get_origin(field.annotation) is Literal and field.is_required():
        return get_args(field.annotation)[0]  # the word that picks this variant, such as `by: last`
    if field.is_required():
        return REQUIRED.get(name, field.annotation)
    if isinstance(field.default, Section):
        return type(field.default)
    return list(field.default) if isinstance(field.default, tuple) else field.default


def needs_value(field: FieldInfo) -> bool:
    """Return whether the file must give this key a value of its own."""
    return field.is_required() and get_origin(field.annotation) is not Literal


def write_value(value: Any) -> str:
    """Return `value` as YAML on one line."""
    return (
        yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...")
    )


def reference_lines(model: type[Section], explained: set[str], indent: str = "") -> Iterator[str]:
    """Yield `model` as YAML, each key explained where it comes first; alternatives are commented out."""
    for name, field in fields_of(model):
        comment, meaning, default = f"{indent}# ", field.description or "", default_of(name, field)
        if meaning not in explained:
            yield from textwrap.wrap(meaning, 110, initial_indent=comment, subsequent_indent=comment)
        explained.add(meaning)
        if isinstance(default, type):
            yield f"{indent}{name}:"
            yield from reference_lines(default, explained, indent + "  ")
        else:
            yield f"{indent}{name}: {write_value(default)}" + ("  # required" if needs_value(field) else "")
        for other in sections_in(field.annotation):
            if other is not default:
                yield f"{comment}or, {other.__doc__}"
                yield f"{comment}{name}:"
                entry = (
                    "-" if _is_list(field.annotation) else "NAME:" if _is_mapping(field.annotation) else ""
                )
                yield from [f"{comment}  {entry}"] if entry else []
                lines = reference_lines(other, explained, "    " if entry else "  ")
                yield from (f"{comment}{line}" for line in lines)
        if indent == "":
            yield ""


def table_lines(
    model: type[Section], explained: dict[str, str], key: str = "", variant: str = ""
) -> Iterator[str]:
    """Yield the Markdown of `model`: a heading, a table of its keys, then its sections, each explained once."""
    yield from (
        f"{'##' if key.count('.') == 0 else '###'} {key or 'Top level'}{variant}",
        "",
        model.__doc__ or "",
        "",
    )
    yield from ("| key | value | default | meaning |", "|---|---|---|---|")
    for name, field in fields_of(model):
        default, path = default_of(name, field), f"{key}.{name}".removeprefix(".")
        shown = "below" if isinstance(default, type) else f"`{write_value(default)}`"
        shown = "required" if needs_value(field) else shown
        first = explained.setdefault(field.description or "", path)
        meaning = field.description if first == path else f"As `{first}`."
        cells = (f"`{path}`", describe_type(field.annotation, field.metadata), shown, meaning or "")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
    for name, field in fields_of(model):
        entry = "[]" if _is_list(field.annotation) else ".NAME" if _is_mapping(field.annotation) else ""
        path = f"{key}.{name}".removeprefix(".") + entry
        for section in sections_in(field.annotation):
            if section.__name__ not in explained:
                explained[section.__name__] = path
                yield from table_lines(section, explained, path, variant_of(section))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(_is_list(part) for part in get_args(annotation))


def _is_mapping(annotation: Any) -> bool:
    return get_origin(annotation) is dict or any(_is_mapping(part) for part in get_args(annotation))


def variant_of(section: type[Section]) -> str:
    """Return how the file says that it means this variant, for example ` (by: last)`."""
    field = section.model_fields.get("by")
    picks = field is not None and get_origin(field.annotation) is Literal
    return f" (by: {get_args(field.annotation)[0]})" if picks else ""


def main(folder: Path) -> None:
    """Write both files below `folder`."""
    describe_keys()
    for name, head, lines in (
        ("configs/reference.yaml", YAML_HEAD, reference_lines(Config, set())),
        ("docs/configuration.md", MARKDOWN_HEAD, table_lines(Config, {})),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([head, *lines]).rstrip("\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
