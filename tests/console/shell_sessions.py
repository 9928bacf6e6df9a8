"""Completion in real shells: bash and zsh at a pseudo-terminal, fish by its own command."""

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
SECONDS = 20
_START = {
    "bash": (["--norc", "--noprofile", "-i"], "source <(als completion bash)"),
    "zsh": (["-f", "-i"], "setopt no_beep; autoload -Uz compinit; compinit -u; source <(als completion zsh)"),
}


def require(shell: str) -> None:
    """Skip the test if `shell` is not installed."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")


def environment(home: Path) -> dict[str, str]:
    """Return variables for a shell with an empty home, in which `als` is the command of this environment."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("ALS_", "_ALS"))}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return names | {"PATH": path, "HOME": str(home), "TERM": "dumb", "PS1": "$ ", "COLUMNS": "200"}


def words_after_tab(shell: str, typed: str, folder: Path, home: Path, prepare: str = "") -> list[str]:
    """Type `typed` and Tab in `shell`. Return the words of the line as the shell then reads them.

    `prepare` loads the script. By default, the shell sources the output of `als completion`.
    """
    require(shell)
    options, by_default = _START[shell]
    process, terminal = pty.fork()
    if process == 0:  # pragma: no cover - the shell replaces this process
        os.chdir(folder)
        os.execvpe(shell, [shell, *options], environment(home))
    try:
        os.write(terminal, f"{prepare or by_default}; stty -echo; echo re''ady\n".encode())
        _read_until(terminal, "ready")
        # The shell reads the rest of the input after the completion. Ctrl-A moves to the start of the line.
        os.write(
            terminal, f"{typed}\t".encode() + b"\x01printf '\\nword<%s>\\n' \r" + b"printf '\\ndo%s\\n' ne\r"
        )
        printed = _read_until(terminal, "\ndone")
        return re.findall(r"^word<(.*)>\r?$", printed.replace("\r", ""), re.MULTILINE)
    finally:
        os.kill(process, 9)
        os.close(terminal)
        os.waitpid(process, 0)


def offered_by_fish(typed: str, folder: Path, home: Path) -> list[str]:
    """Return the candidates of fish for the line `typed`, each with its description after a tab."""
    require("fish")
    program = "als completion fish | source; complete -C $argv[1]"
    ended = subprocess.run(
        ["fish", "--no-config", "-c", program, typed],
        cwd=folder, env=environment(home), capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def offered_by_bash(typed: str, folder: Path, home: Path) -> list[str]:
    """Return what the function of the script puts into COMPREPLY for the line `typed`."""
    require("bash")
    program = (
        "source <(als completion bash); COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:'; "
        "_als_completion als; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    ended = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", typed],
        cwd=folder, env=environment(home), capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def _read_until(terminal: int, end: str) -> str:
    printed, deadline = "", time.monotonic() + SECONDS
    while end not in printed.replace("\r", ""):
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"no {end!r} after {SECONDS} s in {printed!r}"
        with contextlib.suppress(OSError):
            printed += os.read(terminal, 65536).decode(errors="replace")
    return printed
