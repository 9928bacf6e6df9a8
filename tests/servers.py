"""Servers that tests start as an ordinary user: PostgreSQL and Redis. They listen on Unix sockets only."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

WITH_PASSWORD = "secretive"
"""The only role of the PostgreSQL server that needs a password."""
POSTGRES_FOLDERS = ("/usr/lib/postgresql", "/usr/local/opt/postgresql", "/opt/homebrew/opt/postgresql")


@dataclass
class PostgresServer:
    """A running server. Only the role WITH_PASSWORD needs a password."""

    folder: Path
    programs: Path
    process: subprocess.Popen | None = field(default=None, repr=False)

    def uri(self, user: str = "owner") -> str:
        """Return the URI of the database `postgres` for `user`."""
        return f"postgresql:///postgres?host={self.folder}&user={user}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "shared_buffers": "16MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program = [self.programs / "postgres", "-D", self.folder / "data", *options]
        self.process = _start(program, self.folder)
        deadline = time.monotonic() + 30
        while self._run("psql", "-c", "select 1", check=False).returncode:
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server as a crash does: connections break, and transactions are lost."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None

    def execute(self, *statements: str, user: str = "owner") -> None:
        """Run `statements`, each in its own transaction."""
        import adbc_driver_postgresql.dbapi as postgresql

        with postgresql.connect(self.uri(user), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def read(self, query: str, user: str = "owner") -> pl.DataFrame:
        """Return the result of `query`."""
        import adbc_driver_postgresql.dbapi as postgresql

        with postgresql.connect(self.uri(user)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table()))

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        at = ["-h", str(self.folder), "-U", "owner", "-d", "postgres", "-q"]
        return subprocess.run([self.programs / program, *at, *arguments], capture_output=True, check=check)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Yield a new server. Skip the test if PostgreSQL is not installed."""
    programs = _postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL (initdb, postgres, psql) is not installed, so its tests do not run")
    folder = Path(tempfile.mkdtemp(prefix="als-pg-"))
    server = PostgresServer(folder, programs)
    try:
        _give(folder)
        command = [
            programs / "initdb",
            "-D",
            folder / "data",
            "--no-sync",
            "-A",
            "trust",
            "-U",
            "owner",
            "-E",
            "UTF8",
        ]
        _start([*command, "--locale=C"], folder).wait(60)
        rules = folder / "data" / "pg_hba.conf"
        rules.write_text(f"local all {WITH_PASSWORD} scram-sha-256\n{rules.read_text()}")
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[Path]:
    """Yield the Unix socket of a new Redis server. Skip the test if Redis is not installed."""
    program = shutil.which("redis-server")
    if program is None or shutil.which("redis-cli") is None:
        pytest.skip("Redis (redis-server, redis-cli) is not installed, so its test does not run")
    folder = Path(tempfile.mkdtemp(prefix="als-redis-"))
    _give(folder)
    socket = folder / "redis.sock"
    process = _start([program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], folder)
    try:
        deadline = time.monotonic() + 30
        while not socket.exists():
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield socket
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _postgres_programs() -> Path | None:
    """Return the folder with the programs of the newest installed server."""
    found = [path for folder in POSTGRES_FOLDERS for path in Path(folder).glob("**/bin/initdb")]
    on_path = shutil.which("initdb")
    found += [Path(on_path)] if on_path else []
    whole = [
        path.parent for path in found if all((path.parent / name).exists() for name in ("postgres", "psql"))
    ]
    return max(whole, key=lambda path: [int(part) for part in path.parts if part.isdigit()], default=None)


def _ordinary_user() -> str | None:
    """Return the user that servers run as. PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _give(folder: Path) -> None:
    user = _ordinary_user()
    if user is not None:
        shutil.chown(folder, user)


def _start(command: Sequence[object], folder: Path) -> subprocess.Popen:
    """Start a server that ends with this process, and writes its messages to the file `log` in `folder`."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [str(word) for word in command],
            user=_ordinary_user(),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - before any thread of the child exists
        )


def _end_with_parent() -> None:
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
