"""One run of one command: its options, config and context, and the report that it prints.

Config, stages and tables import large libraries, which help and version do not need. They are imported when a command
runs.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from als_cli.console.arguments import parse_count, parse_log_format, parse_switch, parse_wait
from als_cli.console.failures import exit_codes
from als_cli.console.html_report import reporting_after
from als_cli.console.logs import close_log_file, configure_logging
from als_cli.console.resources import check_address_space, claim_threads
from als_cli.console.start_up import collect_garbage, import_scipy
from als_cli.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from als_cli.console.terminal import Terminal
    from als_cli.reports import Report
    from als_cli.stages.context import StageContext


@dataclass(frozen=True)
class CommonOptions:
    """The options of every command."""

    config: Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The YAML config.")]
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override a key, e.g. train.factors=256. Repeatable."
        ),
    ] = None
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", parser=parse_count, help="Threads for everything.")
    ] = None
    verify: Annotated[
        str,
        typer.Option(
            "--verify",
            metavar="on|off",
            parser=parse_switch,
            help="Compare artifacts with their checksums.",
        ),
    ] = "on"
    json: Annotated[
        bool, typer.Option("--json", help="Print the report, or the error, as JSON on stdout.")
    ] = False
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print more on stderr.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors on stderr.")] = False
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format", metavar="text|json", parser=parse_log_format, help="Form of the log lines."
        ),
    ] = "text"
    log_file: Annotated[
        Path | None, typer.Option("--log-file", metavar="FILE", help="Append all log lines here.")
    ] = None
    wait: Annotated[
        timedelta | None,
        typer.Option(
            "--wait",
            metavar="DURATION",
            parser=parse_wait,
            help="Wait this long for another run, e.g. 10m. Default: 0s.",
        ),
    ] = None
    """Only of the commands that write."""


_OUTPUT_OPTIONS = ("json", "verbose", "quiet", "log_format", "log_file")
"""The common options of a command without a config."""


@dataclass(frozen=True)
class Session:
    """A running command."""

    options: CommonOptions
    terminal: "Terminal"

    def context(self, **flags: Any) -> "StageContext":
        """Return the context of the stage. `flags` are config keys from the command line (None: not given).

        Dots in keys are written as double underscores: ``recommend__top_n``.
        """
        from als_cli.config.loading import load_config

        import_scipy()
        from als_cli.stages.context import StageContext

        given = _by_key(flags)
        if "recommend.output.path" in given:
            given["recommend.output.database"] = None  # --output names a file, a folder or stdout
        if self.options.threads is not None:
            given["threads"] = self.options.threads
        config = load_config(self.options.config, self.options.set_ or (), flags=given)
        threads = claim_threads(config.threads)
        context = StageContext(config, threads, self.terminal, config_file=self.options.config)
        self._check_log_file(context)
        return context

    def _check_log_file(self, context: "StageContext") -> None:
        if self.options.log_file is None:
            return
        from als_cli.storage.output_checks import check_log_file

        try:
            check_log_file(self.options.log_file, context.config, context.config_file)
        except ConfigError:
            close_log_file()  # otherwise the error would be appended to the input
            raise

    def publishing_context(self, **flags: Any) -> "StageContext":
        """Return the context of a stage that writes lists.

        Raises
        ------
        ConfigError
            Lists and report would both be written to stdout, or the lists would overwrite an input.
        """
        from als_cli.storage.output_checks import check_lists_output

        context = self.context(**flags)
        if self.options.json and context.config.recommend.output.path == "-":
            raise ConfigError(
                "--json prints the report on stdout, and recommend.output.path - writes the lists there",
                hint="leave out --json, or write the lists to a file",
            )
        check_lists_output(context.config, context.config_file)
        return context

    def separate_context(self, output: str | None, top_n: int | None, **flags: Any) -> "StageContext":
        """Return the context of a stage that writes lists to `output`, which are not the lists of `recommend`.

        Without `output`, the place is a database that ``--set`` names. `top_n` must be possible as `recommend.top_n`.

        Raises
        ------
        ConfigError
            There is no place, or it is the place of the lists. Errors of :meth:`publishing_context`.
        """
        from als_cli.config.loading import load_config
        from als_cli.storage.output_checks import check_separate_output

        settings, missing = self.options.set_ or (), _output_is_missing()
        if output is None and not any(one.startswith("recommend.output") for one in settings):
            raise missing
        context = self.publishing_context(recommend__output__path=output, recommend__because=0, **flags)
        if output is None and context.config.recommend.output.database is None:
            raise missing
        # The length of these lists is not that of `recommend`, whose pinned items need their ranks.
        given = _by_key(flags | {"recommend__top_n": top_n})
        lists = load_config(self.options.config, () if output is None else settings, flags=given)
        check_separate_output(context.config, lists)
        return context

    def run_stage(self, name: str, context: "StageContext", **options: Any) -> None:
        """Run the stage `name` with `options` under the locks of its command, and print its report.

        The stage is the function `name` in module `name` of the stages. Its view is the function ``render_NAME`` in
        module `name` of the views. The report is JSON on stdout with ``--json``, otherwise a table on stderr.
        """
        from als_cli.storage.run_locks import run_locks

        stage = getattr(import_module(f"als_cli.stages.{name}"), name)
        collect_garbage()
        with run_locks(name, context.config, self.options.wait or timedelta(0)):
            with reporting_after(name, context):
                report = stage(context, **options)
            if self.options.json or self.terminal.shows_reports:
                self._print(report, name, f"render_{name}", self.terminal.show_report)

    def show(self, kind: str, *ids: str) -> None:
        """Run ``show_KIND`` of stage `show` on `ids`, and print its report on stdout, as JSON or as a table."""
        from als_cli.config.fields import is_utf_8

        if not all(map(is_utf_8, ids)):
            raise ConfigError(f"the id {ids[0]} is not UTF-8 text", hint="check the encoding of the shell")
        self._answer("show", f"show_{kind}", f"render_{kind}", self.context(), *ids)

    def look(
        self, name: str, context: "StageContext", *arguments: str | None, **options: str | bool | None
    ) -> Any:
        """Run the stage `name`, which takes no lock of the workspace, print its report on stdout, and return it.

        The stage gets `arguments` and `options`. The report is JSON or a table.
        """
        return self._answer(name, name, f"render_{name}", context, *arguments, **options)

    def _answer(
        self,
        module: str,
        stage: str,
        render: str,
        context: "StageContext",
        *arguments: str | None,
        **options: str | bool | None,
    ) -> "Report":
        answer = getattr(import_module(f"als_cli.stages.{module}"), stage)
        collect_garbage()
        report: Report = answer(context, *arguments, **options)
        self._print(report, module, render, self.terminal.show_answer)
        return report

    def _print(
        self, report: "Report", module: str, render: str, show: "Callable[[RenderableType], None]"
    ) -> None:
        if self.options.json:
            self.terminal.write_json(report.model_dump_json(indent=2))
        else:
            show(getattr(import_module(f"als_cli.console.views.{module}"), render)(report))


def _by_key(flags: dict[str, Any]) -> dict[str, Any]:
    """Return the `flags` that were given, by config key."""
    return {name.replace("__", "."): value for name, value in flags.items() if value is not None}


def _output_is_missing() -> ConfigError:
    hint = "add --output PATH, or for a database --set 'recommend.output={database: {uri: URI, table: NAME}}'"
    return ConfigError("--output is missing", hint=hint)


def command(
    app: typer.Typer, *, writes: bool = True, has_config: bool = True, **settings: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that registers a function as a subcommand. Its first parameter is the :class:`Session`.

    The common options are added to the options of the function. Only a command that `writes` can wait for a lock. A
    command without a config has only the options about its output. Failures become exit codes.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function).parameters.values())[1:]
        common = [
            parameter
            for parameter in inspect.signature(CommonOptions).parameters.values()
            if parameter.name in _OUTPUT_OPTIONS or (has_config and (writes or parameter.name != "wait"))
        ]
        names = {parameter.name for parameter in common}
        absent: dict[str, Any] = {} if has_config else {"config": Path()}

        @functools.wraps(function)
        def run(**arguments: Any) -> None:
            shared = {name: value for name, value in arguments.items() if name in names}
            options = CommonOptions(**absent, **shared)
            with _session(options) as session:
                function(session, **{name: value for name, value in arguments.items() if name not in names})

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *common)]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(**settings)(run)
        return function

    return register


@contextmanager
def _session(options: CommonOptions) -> Iterator[Session]:
    from als_cli.console.terminal import Terminal
    from als_cli.storage.checksums import verification

    with exit_codes(verbose=options.verbose, as_json=options.json):
        check_address_space()
        if options.verbose and options.quiet:
            raise ConfigError("-v and -q cannot be used together", hint="give one of them")
        configure_logging(
            verbose=options.verbose,
            quiet=options.quiet,
            log_format=options.log_format,
            log_file=options.log_file,
        )
        plain = options.log_format == "json"
        with verification(enabled=options.verify == "on"):
            yield Session(options, Terminal(verbose=options.verbose, quiet=options.quiet, plain=plain))
