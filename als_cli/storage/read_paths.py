"""All paths that als reads under a config, and whether another path is among them."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from als_cli.config.evaluate import FileSplit
from als_cli.config.fields import is_url
from als_cli.config.root import Config
from als_cli.config.source import SourceConfig
from als_cli.tables.scan import pattern_of


@dataclass(frozen=True)
class ReadPath:
    """A file or a glob that als reads."""

    key: str
    """The config key or the option that gives the path."""
    path: str

    @property
    def is_pattern(self) -> bool:
        """Whether the path is a glob. An existing file of exactly this name takes precedence."""
        return glob.has_magic(self.path) and not os.path.exists(self.path)  # noqa: PTH110 - no error without permission

    def files(self) -> list[Path]:
        """Return the existing files."""
        if self.is_pattern:
            return [Path(name) for name in glob.glob(pattern_of(self.path), recursive=True)]  # noqa: PTH207 - absolute patterns
        return [Path(self.path)]

    def would_read(self, file: Path) -> bool:
        """Return whether the glob would match `file` if it existed. A glob with ``**`` matches all files below its folder."""
        if not self.is_pattern:
            return False
        base, rest = self._base_and_rest()
        if base not in file.parents:
            return False
        steps = file.relative_to(base).parts
        if "**" in rest:
            return True
        return len(steps) == len(rest) and all(map(fnmatchcase, steps, rest))

    def folder(self) -> Path:
        """Return the file's folder. For a glob, return the leading folders without wildcards."""
        return self._base_and_rest()[0] if self.is_pattern else Path(self.path).parent

    def _base_and_rest(self) -> tuple[Path, tuple[str, ...]]:
        """Return the leading folders, and the parts after them, of which the first is a pattern."""
        parts, base = Path(self.path).parts, Path()
        for number, part in enumerate(parts):
            # A folder of exactly this name takes precedence over the pattern, as in `pattern_of`.
            if glob.has_magic(part) and not (base / part).exists():
                return Path(os.path.realpath(base)), parts[number:]
            base /= part
        return Path(os.path.realpath(base)), ()


def read_paths(config: Config, config_file: Path | None) -> list[ReadPath]:
    """Return all local paths that als reads: events, split, candidates, cohorts, catalogue, users and the config file."""
    found = [*_event_paths(config), *_evaluation_paths(config), *_recommendation_paths(config)]
    if config_file is not None:
        found.append(ReadPath("--config", os.path.normpath(config_file.absolute())))
    return [source for source in found if source.path != "-" and not is_url(source.path)]


def _event_paths(config: Config) -> Iterator[ReadPath]:
    for name, table in config.events.further_tables.items():
        yield ReadPath(f"events.tables.{name}", table.path)
    source = config.events.source
    if isinstance(source, str):
        yield ReadPath("events.source", source)
        return
    for number, entry in enumerate(source):
        path = entry.path if isinstance(entry, SourceConfig) else entry
        yield ReadPath(f"events.source[{number}]", path)


def _evaluation_paths(config: Config) -> Iterator[ReadPath]:
    evaluate = config.evaluate
    if isinstance(evaluate.split, FileSplit):
        yield ReadPath("evaluate.split.path", evaluate.split.path)
    tables = {
        "evaluate.candidates.path": evaluate.candidates,
        "evaluate.cohorts.users.path": evaluate.cohorts.users,
        "evaluate.cohorts.items.path": evaluate.cohorts.items,
    }
    for key, table in tables.items():
        if table is not None:
            yield ReadPath(key, table.path)


def _recommendation_paths(config: Config) -> Iterator[ReadPath]:
    for key, path in config.recommend.read_paths().items():
        yield ReadPath(key, path)
