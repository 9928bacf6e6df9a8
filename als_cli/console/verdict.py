"""The end of `als check`: the exit code of the first problem."""

from als_cli.errors import AlsError, ExitCode
from als_cli.stages.check_reports import CheckReport


def end_with(report: CheckReport, *, as_json: bool) -> None:
    """Return if `report` has no problems.

    Raises
    ------
    AlsError
        There are problems. The error has a line for each of them.
    SystemExit
        There are problems, and the report that was printed `as_json` has them already.
    """
    if report.ok:
        return
    if as_json:
        raise SystemExit(report.exit_code)
    problems, first = report.problems, report.problems[0]
    if len(problems) == 1:
        found = AlsError(first.message, hint=first.hint)
    else:
        lines = [f"{one.message}; {one.hint}" if one.hint else one.message for one in problems]
        found = AlsError(f"the check found {len(problems)} problems", problems=lines)
    found.exit_code = ExitCode(report.exit_code)
    raise found
