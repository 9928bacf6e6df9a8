"""Settings for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import PostgresServer, postgres_server

# The duration of an example depends on the machine, so Hypothesis sets no deadline.
settings.register_profile("als", deadline=None)
settings.load_profile("als")

# A process that a test starts keeps its compiled modules for the next process.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

TESTS = Path(__file__).parent
SLOW = (
    "als/test_compiling.py",
    "als/test_native.py",
    "console/test_arguments.py",
    "console/test_completion.py",
    "console/test_completion_shells.py",
    "console/test_folding.py",
    "console/test_json_errors.py",
    "console/test_system.py",
    "events/test_titles.py",
    "faults",
    "newcomers",
    "splitting/test_auto_split.py",
    "stages/test_backtest.py",
    "stages/test_ingest_realdata.py",
    "stages/test_recommend_memory.py",
    "stages/test_tune.py",
    "stages/test_tune_from_events.py",
    "ranking/test_warm_up.py",
    "report/test_browser.py",
    "report/test_hindsight_section.py",
    "report/test_report_commands.py",
    "report/test_report_failures.py",
    "storage/test_lock.py",
    "storage/test_ownership.py",
    "storage/test_postgres_lists.py",
    "storage/test_postgres_readers.py",
    "tables/test_expansion.py",
    "tables/test_headers.py",
    "test_as_of.py",
    "test_cli.py",
    "test_compile_command.py",
    "test_docs_guides.py",
    "test_docs_python.py",
    "test_docs_reference.py",
    "test_docs_site.py",
    "test_database_outputs.py",
    "test_demand_commands.py",
    "test_embeddings.py",
    "test_init.py",
    "test_init_folders.py",
    "test_list_commands.py",
    "test_opened_by.py",
    "test_narrow_terminals.py",
    "test_pgvector.py",
    "test_published_outputs.py",
    "test_public_data.py",
    "test_readme.py",
    "test_similar_commands.py",
    "test_similar_outputs.py",
    "test_split_commands.py",
    "test_terminal_escapes.py",
    "test_versions.py",
    "test_workspace.py",
    "storage/test_choice_files.py",
    "tuning/test_auto.py",
    "tuning/test_auto_drift.py",
    "tuning/test_choice.py",
    "tuning/test_screen.py",
    "tuning/test_start.py",
    "tuning/test_study_file.py",
)
"""Files and folders whose tests start processes, compile kernels or run whole searches: the mark `slow`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of SLOW, which `-m "not slow"` leaves out."""
    slow = [TESTS / name for name in SLOW]
    for item in items:
        if any(item.path == place or place in item.path.parents for place in slow):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server for all tests of this process."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def schema(postgres: PostgresServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the name of an empty schema in `postgres`."""
    name = f"test_{abs(hash(request.node.nodeid)) % 10**12}"
    postgres.execute(f"create schema {name}")
    yield name
    postgres.execute(f"drop schema {name} cascade")


@pytest.fixture
def recs(schema: str) -> str:
    """Return the name of a view in `schema`."""
    return f"{schema}.recs"


@pytest.fixture
def role(postgres: PostgresServer, schema: str) -> Iterator[str]:
    """Yield a role without any rights."""
    name = f"role_{schema}"
    postgres.execute(f"create role {name} login")
    yield name
    postgres.execute(f"drop owned by {name}", f"drop role {name}")
