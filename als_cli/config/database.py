"""Section `recommend.output.database`: the lists as a view in a database."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo

from als_cli.config.fields import Duration, SecretValueError, Section, Wording, resolve_path

FILE_SYSTEMS = ("duckdb", "sqlite")
"""Databases whose URI is ``SYSTEM:PATH``, with the path of a file."""
_VARIABLE = re.compile(r"\$\{\w+\}")
_PASSWORD = re.compile(r"://[^/@:]*:(?P<user_info>[^/]*)@|[?&](?:password|sslpassword)=(?P<query>[^&]*)")


def checked_uri(uri: Any, info: ValidationInfo) -> Any:
    """Return `uri` with an absolute path if it names a file. Variables ``${NAME}`` stay as they are.

    The config is a part of manifests, so it must not contain a password.
    """
    if not isinstance(uri, str):
        return uri
    for found in _PASSWORD.finditer(uri):
        secret = found["user_info"] or found["query"] or ""
        if _VARIABLE.sub("", secret):
            raise SecretValueError(
                "a password must not be in the config; write ${NAME} and set this environment variable"
            )
    system, _, path = uri.partition(":")
    if system not in FILE_SYSTEMS or path.startswith("${"):
        return uri
    # `duckdb:////srv/lists.duckdb` and `duckdb:///srv/lists.duckdb` both name an absolute path.
    path = re.sub("^/{2,}", "/", path) if path.startswith("///") else path.removeprefix("//")
    # The type of the shell's text is lost in the change, and tells where a relative path starts.
    return f"{system}:{resolve_path(type(uri)(path), info)}"


class DatabaseConfig(Section):
    """A database that gets the lists instead of files."""

    uri: Annotated[str, Wording("the URI of a database"), BeforeValidator(checked_uri)]
    """`postgresql://USER@HOST/DATABASE`, `duckdb:FILE`, `sqlite:FILE`, or the URI for `driver`. `${NAME}` stands for an environment variable: for the whole URI, or for a part, which is then percent-encoded. A password is allowed only as `${NAME}`."""
    table: str = Field(
        default="recommendations", pattern=r"^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,32}$"
    )
    """Name of the view that readers query, with or without a schema: `recommendations`, `shop.recommendations`. Lower case, up to 33 characters."""
    lock_timeout: Duration = Field(default="60s", validate_default=True)
    """How long the run tries to switch the view while readers use it."""
    driver: str | None = None
    """Name or path of the ADBC driver of another database, for example `adbc_driver_flightsql`. The database must be able to create tables and views in a transaction."""
    entrypoint: str | None = None
    """Entry point in the library of `driver`. Default: derived from the name of the library."""
