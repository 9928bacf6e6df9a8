"""Types of the keys of all sections: sections, durations, instants, paths, conditions."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationInfo
from pydantic.json_schema import WithJsonSchema

from als_cli.config.condition import check_condition
from als_cli.config.query import check_query
from als_cli.errors import ConfigError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
MAXIMUM_DURATION = timedelta(days=328_725)
"""900 years. No instant of an event, which is after the year 1000, leaves the calendar when it is moved by as much."""
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smhdw])\s*")
_DURATION_PATTERN = r"^\s*(?=[0-9.]*[1-9])[0-9]+(\.[0-9]+)?\s*[smhdw]\s*$"
"""Durations for editors, which read the patterns of JavaScript. The length is not limited."""
_DATE_PATTERN = (
    "[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])|[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    "|[0-9]{4}-?W[0-5][0-9](-?[1-7])?"
)
_CLOCK_PATTERN = "([01]?[0-9]|2[0-4])(:?[0-5][0-9](:?[0-5][0-9]([.,][0-9]*)?)?)?"
_ZONE_PATTERN = r"\s*(Z|[-+][0-9]{1,2}(:?[0-9]{2}(:?[0-9]{2}([.,][0-9]+)?)?)?)"
_INSTANT_PATTERN = f"^({_DATE_PATTERN})([^0-9]\\s*{_CLOCK_PATTERN}({_ZONE_PATTERN})?)?$"
"""Dates and times of ISO 8601 and of YAML, for editors."""


class Section(BaseModel):
    """A frozen section of the config. Unknown keys, NaN and values of another type are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Wording:
    """The description of a type in messages. It is metadata of an annotation."""

    text: str


class WrongFormError(ValueError):
    """A value is not a duration or an instant. The message about the key names the expected form."""


class SecretValueError(ValueError):
    """A value is wrong, and messages must not show it."""


def parse_duration(raw: Any) -> timedelta:
    """Return the time span of a text, for example of ``30d``, ``12h`` or ``1.5w``."""
    if isinstance(raw, timedelta):
        return raw
    match = _DURATION.fullmatch(raw) if isinstance(raw, str) else None
    if match is None or float(match[1]) == 0:
        raise WrongFormError("not a duration")
    try:
        span = timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        span = timedelta.max
    if span > MAXIMUM_DURATION:
        raise ValueError(f"this is longer than {MAXIMUM_DURATION.days}d")
    if not span:
        raise ValueError("this is shorter than a microsecond, the resolution of timestamps")
    return span


def format_duration(span: timedelta) -> str:
    """Return the shortest text that :func:`parse_duration` reads as `span`."""
    seconds = span.total_seconds()
    for unit in ("d", "h", "m"):
        if seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def parse_instant(raw: Any) -> datetime:
    """Return the UTC instant of a YAML date, datetime or ISO 8601 text. Text without a time zone is UTC."""
    if isinstance(raw, str):
        try:
            raw = datetime.fromisoformat(raw)
        except ValueError:
            raise WrongFormError("not a point in time") from None
    if isinstance(raw, datetime):
        return raw.replace(tzinfo=UTC) if raw.tzinfo is None else _in_utc(raw)
    if hasattr(raw, "year"):
        return datetime(raw.year, raw.month, raw.day, tzinfo=UTC)
    raise WrongFormError("not a point in time")


def _in_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("this is outside the years 1 to 9999 in UTC") from None


def is_url(path: str) -> bool:
    """Return whether `path` is in an object store or another remote place."""
    return "://" in path


def is_utf_8(text: str) -> bool:
    """Return whether `text` can be written in UTF-8. Other bytes of a shell argument are lone surrogates in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class ShellText(str):
    """A text from the command line or the environment. Its relative paths start at the working folder."""

    __slots__ = ()


def working_folder() -> Path:
    """Return the working folder of the process.

    Raises
    ------
    ConfigError
        It has been removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError(
            "the working folder of this process has been removed",
            hint="change to an existing folder, or use absolute paths only",
        ) from None


def resolve_path(path: Any, info: ValidationInfo) -> Any:
    """Return `path` as an absolute path. ``-``, URLs, and values that are not text stay unchanged.

    A relative path starts at the folder of the config file. A ShellText starts at the working folder.
    """
    if not isinstance(path, str) or path == "-" or is_url(path):
        return path
    if not path or "\0" in path:
        raise ValueError("a path is not empty and holds no null character")
    base = working_folder() if isinstance(path, ShellText) else (info.context or {}).get("base")
    resolved = str(path) if base is None else os.path.normpath(Path(base) / _home_expanded(Path(path)))
    if not is_utf_8(resolved):
        raise ValueError("a path, with its folder, must be UTF-8 text")
    return resolved


def _home_expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"this machine knows no home folder {path.parts[0]}") from None


Duration = Annotated[
    timedelta,
    Wording("a length of time such as 30d or 12h (units: s m h d w)"),
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _DURATION_PATTERN, "examples": ["30d", "12h", "90m"]}),
]
"""A positive time span, for example ``30d``."""

Instant = Annotated[
    datetime,
    Wording("a date or time such as 2026-01-31 or 2026-01-31T06:00:00Z"),
    BeforeValidator(parse_instant),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _INSTANT_PATTERN,
            "examples": ["2026-01-31", "2026-01-31T06:00:00Z"],
        }
    ),
]
"""A point in time, UTC."""

PathText = Annotated[
    str,
    Wording("a path"),
    BeforeValidator(resolve_path),
    WithJsonSchema({"type": "string", "pattern": r"^[^\u0000]+$"}),
]
"""A path or URL. Relative paths start at the folder of the config file."""

ConditionText = Annotated[str, AfterValidator(check_condition)]
"""A condition on the columns of a table, in the language of :mod:`als_cli.config.condition`."""

QueryText = Annotated[str, AfterValidator(check_query)]
"""An SQL query, see :mod:`als_cli.config.query`."""
