"""The address of a database: the URI of the config with its environment variables filled in."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from als_cli.config.database import FILE_SYSTEMS, DatabaseConfig
from als_cli.errors import ConfigError

_KEY = "recommend.output.database.uri"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_HIDDEN = "***"


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and how it is named in messages."""

    system: str
    """postgresql, duckdb, sqlite, or other (any ADBC driver)."""
    uri: str = field(repr=False)
    """The URI, with its password."""
    shown: str
    """The URI without password and options, for messages and reports."""
    file: Path | None
    """The file of DuckDB or SQLite."""
    driver: str | None
    entrypoint: str | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that messages must not contain."""

    def without_secrets(self, text: str) -> str:
        """Return `text` with `***` instead of passwords and the values of environment variables."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN)
        return text


def address_of(config: DatabaseConfig, environment: Mapping[str, str] | None = None) -> DatabaseAddress:
    """Return the address in `config`. `environment` is by default that of the process.

    Raises
    ------
    ConfigError
        An environment variable is not set, or the URI is not valid. Messages contain no part of the URI's value.
    """
    values = os.environ if environment is None else environment
    named = dict.fromkeys(_VARIABLE.findall(config.uri))
    missing = [name for name in named if not values.get(name)]
    if missing:
        raise ConfigError(
            f"{_KEY}: the environment variable {missing[0]} is not set", hint="set it before als-cli starts"
        )
    system = config.uri.partition(":")[0]
    is_whole = _VARIABLE.fullmatch(config.uri) is not None
    as_is = is_whole or system in FILE_SYSTEMS
    uri = _VARIABLE.sub(
        lambda found: values[found[1]] if as_is else quote(values[found[1]], safe=""), config.uri
    )
    if config.driver is not None:
        secrets = {values[name] for name in named} | {uri}
        return DatabaseAddress(
            "other", uri, config.uri, None, config.driver, config.entrypoint, tuple(secrets)
        )
    system, _, path = uri.partition(":")
    if system in FILE_SYSTEMS:
        file = Path(path.removeprefix("//"))
        return DatabaseAddress(system, str(file), f"{system}:{file}", file, None)
    if system not in ("postgresql", "postgres"):
        raise ConfigError(
            f"{_KEY} must start with postgresql:, duckdb: or sqlite:",
            hint="for another database, set recommend.output.database.driver to its ADBC driver",
        )
    return _postgresql(uri)


def _postgresql(uri: str) -> DatabaseAddress:
    try:
        parts = urlsplit(uri)
        port, query = parts.port, parse_qs(parts.query)
    except ValueError:
        port, parts, query = None, None, {}
    if parts is None or parts.netloc.count("@") > 1 or "@" in parts.path:
        # libpq would read a part of the password as the host, and print it.
        raise ConfigError(
            f"{_KEY} is not a valid URI",
            hint="write special characters of user and password as percent escapes, for example %40 for @",
        )
    passwords = {*query.get("password", ()), *query.get("sslpassword", ())}
    if parts.password:
        passwords |= {parts.password, unquote(parts.password)}
    host = parts.hostname or next(iter(query.get("host", ())), "")
    place = f"{host}:{port}" if port else host
    shown = f"postgresql://{place}{parts.path}" if parts.path.strip("/") or place else "postgresql:"
    return DatabaseAddress("postgresql", uri, shown, None, None, None, tuple(passwords | {uri}))
