"""How much is said, in which form, and where."""

import json
import logging
import warnings

import pytest

from als_cli import NOTICE
from als_cli.console.logs import configure_logging
from als_cli.errors import ResourceError, one_line

LOG = logging.getLogger("als_cli.somewhere")


@pytest.fixture(autouse=True)
def restore_logging():
    shown = warnings.showwarning
    yield
    warnings.showwarning = shown
    logger = logging.getLogger("als_cli")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def configure(**changes):
    configure_logging(
        **({"verbose": False, "quiet": False, "log_format": "text", "log_file": None} | changes)
    )


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "warning: careful\nerror: broken\n"),
        ({"verbose": True}, "by the way\nwarning: careful\nerror: broken\n"),
        ({"quiet": True}, "error: broken\n"),
    ],
)
def test_levels_on_stderr(capsys, options, shown):
    configure(**options)
    LOG.info("by the way")
    LOG.warning("careful")
    LOG.error("broken")
    captured = capsys.readouterr()
    assert captured.err == shown
    assert captured.out == ""


@pytest.mark.parametrize(("at_terminal", "shown"), [(True, "compiling\n"), (False, "")])
def test_notices_are_for_whoever_watches(capsys, monkeypatch, at_terminal, shown):
    monkeypatch.setattr("sys.stderr.isatty", lambda: at_terminal)
    configure()
    LOG.log(NOTICE, "compiling")
    assert capsys.readouterr().err == shown


def test_json_lines_are_one_object_each(capsys):
    configure(log_format="json", verbose=True)
    LOG.info("two\nlines", extra={"fields": {"rows": 3}})
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["message"] == "two\nlines"
    assert (record["level"], record["logger"], record["rows"]) == ("info", "als_cli.somewhere", 3)
    assert record["time"].endswith("Z")


@pytest.mark.parametrize("hostile", ["a\nerror: b", "\x1b[2J", "\x9b2J", "\u202egnp.exe", "\u2028"])
def test_a_text_line_shows_control_characters_as_text(capsys, tmp_path, hostile):
    configure(verbose=True, log_file=tmp_path / "als.log")
    LOG.info("item %s", hostile)
    shown = f"item {one_line(hostile)}"
    assert capsys.readouterr().err == f"{shown}\n"
    assert (tmp_path / "als.log").read_text(encoding="utf-8").partition(" ")[2] == f"{shown}\n"


def test_a_traceback_keeps_its_lines_and_shows_control_characters_as_text(capsys):
    configure(verbose=True)
    LOG.info("broken", exc_info=ValueError("a\x1b[2J\nb"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["broken", "ValueError: a\\x1b[2J", "b"]


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\u202egnp.exe", "\u2028", "\x7f", "caf\u00e9"])
def test_json_lines_escape_control_characters_and_are_exact(capsys, hostile):
    configure(log_format="json", verbose=True)
    LOG.info("item %s", hostile)
    line = capsys.readouterr().err
    assert json.loads(line)["message"] == f"item {hostile}"
    assert line.removesuffix("\n").isprintable()


def test_the_file_gets_everything_and_is_appended_to(tmp_path, capsys):
    for number in range(2):
        configure(quiet=True, log_file=tmp_path / "deep" / "als.log")
        LOG.info("run %d", number)
    lines = (tmp_path / "deep" / "als.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["run 0", "run 1"]
    assert capsys.readouterr().err == ""


def test_a_log_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="--log-file"):
        configure(log_file=tmp_path / "file" / "als.log")


def test_warnings_of_libraries_do_not_reach_a_cron_mail(capsys):
    configure()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure()
        warnings.warn("old function", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == ""
