"""Who sees what: progress and reports at a terminal, nothing in cron, answers on stdout."""

import io

import pytest
from rich.console import Console

from als_cli.console.terminal import Terminal


def terminal(at_terminal, **options):
    made = Terminal(**options)
    shown = io.StringIO()
    watched = Console(file=shown, force_terminal=at_terminal, width=80)
    made.stderr = watched
    return made, shown


@pytest.fixture
def at_terminal(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")


def work(made):
    with made.task("counting", total=2) as task:
        task.advance(note="loss 0.5")
        task.advance()


def test_progress_is_drawn_for_someone_who_watches(at_terminal):
    made, shown = terminal(True)
    work(made)
    assert "counting" in shown.getvalue()


@pytest.mark.parametrize("options", [{"quiet": True}, {"plain": True}])
def test_progress_is_not_drawn_when_not_wanted(at_terminal, options):
    made, shown = terminal(True, **options)
    work(made)
    assert shown.getvalue() == ""


def test_off_a_terminal_not_a_byte_is_written():
    made, shown = terminal(False)
    work(made)
    made.show_report("report")
    assert shown.getvalue() == ""


def test_verbose_shows_reports_anywhere():
    made, shown = terminal(False, verbose=True)
    made.show_report("report")
    assert shown.getvalue() == "report\n"


def test_answers_go_to_stdout(capsys):
    made = Terminal(quiet=True)
    made.show_answer("answer")
    made.write_json("{}")
    assert capsys.readouterr().out == "answer\n{}\n"
