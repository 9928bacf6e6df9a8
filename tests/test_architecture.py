"""The house rules that a linter does not know: layers, and where each library may be imported."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "als_cli"

LAYERS = (
    {"errors"},
    {"arrays", "reports", "progress", "config"},
    {"als"},
    {"tables"},
    {"events"},
    {"dataset"},
    {"splitting", "ranking"},
    {"evaluation"},
    {"tuning"},
    {"storage"},
    {"stages"},
    {"console"},
    {"cli"},
    {"__main__"},
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Each of these libraries has its rooms; anywhere else it is a mistake.
ROOMS: dict[str, tuple[str, ...]] = {
    "yaml": ("config/",),
    "typer": ("cli.py", "console/"),
    "rich": ("cli.py", "console/"),
    "implicit": ("als/implicit_engine.py", "evaluation/item_knn.py"),
    "numba": ("als/kernels/", "ranking/kernel_"),
    "optuna": ("tuning/study.py",),
    "sqlalchemy": ("tuning/study.py",),
    "pandas": (),
    "pickle": (),
    "click": (),
}

HEAVY = {"polars", "numpy", "scipy", "pyarrow", "implicit", "numba"}
LIGHT_ROOMS = ("config/", "console/", "cli.py", "errors.py", "__init__.py", "__main__.py")


@dataclass(frozen=True)
class Import:
    """An import statement's target and its place."""

    room: str
    line: int
    name: str
    at_top: bool

    @property
    def library(self) -> str:
        return self.name.split(".")[0]

    @property
    def part(self) -> str:
        """The part of als_cli it stands in."""
        return self.room.split("/")[0].removesuffix(".py")

    @property
    def target(self) -> str | None:
        """The part of als_cli it reaches for; None for a library, or a name of als_cli/__init__.py."""
        part = self.name.removeprefix("als_cli.").split(".")[0]
        return part if self.name.startswith("als_cli.") and part in RANK else None

    def __str__(self) -> str:
        return f"als_cli/{self.room}:{self.line} imports {self.name}"


def syntax_trees() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the package: its path below als_cli, and its syntax tree."""
    for module in sorted(PACKAGE.rglob("*.py")):
        yield module.relative_to(PACKAGE).as_posix(), ast.parse(module.read_text(encoding="utf-8"))


def imports() -> Iterator[Import]:
    for room, tree in syntax_trees():
        top = set(map(id, tree.body))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (Import(room, node.lineno, alias.name, id(node) in top) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                name = "." * node.level + (node.module or "")
                names = [f"{name}.{alias.name}" for alias in node.names] if name == "als_cli" else [name]
                yield from (Import(room, node.lineno, found, id(node) in top) for found in names)


def offenders(found: Iterator[Import]) -> list[str]:
    return [str(one) for one in found]


def test_the_walk_sees_the_package():
    assert {one.library for one in imports()} >= {
        "als_cli",
        "polars",
        "numpy",
        "yaml",
        "typer",
        "rich",
        "implicit",
    }


def test_every_part_has_its_layer():
    parts = {
        path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert parts - {"__init__", "__pycache__"} == set(RANK)


def test_imports_are_absolute():
    assert offenders(one for one in imports() if one.name.startswith(".")) == []


def test_imports_point_one_way():
    upward = (one for one in imports() if one.target and RANK[one.target] > RANK.get(one.part, -1))
    assert offenders(upward) == []


def test_parts_of_one_layer_do_not_import_each_other_in_a_circle():
    uses = {(one.part, one.target) for one in imports() if one.target and one.part != one.target}
    assert sorted((part, other) for part, other in uses if (other, part) in uses) == []


def test_each_library_stays_in_its_rooms():
    strays = (one for one in imports() if not one.room.startswith(ROOMS.get(one.library, ("",))))
    assert offenders(strays) == []


def test_no_two_classes_share_a_name():
    places: dict[str, list[str]] = {}
    for room, tree in syntax_trees():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(room)
    assert {name: rooms for name, rooms in places.items() if len(rooms) > 1} == {}


def test_private_parts_of_numba_are_used_in_one_file():
    users = {one.room for one in imports() if one.name.startswith(("numba.core", "numba.config"))}
    assert users == {"als/kernels/numba_internals.py"}


def test_help_never_waits_for_a_heavy_import():
    heavy = (
        one for one in imports() if one.at_top and one.library in HEAVY and one.room.startswith(LIGHT_ROOMS)
    )
    assert offenders(heavy) == []


KERNELS = re.compile(r"als_cli\.(als\.kernels\.(?!importing|row_system)|ranking\.kernel_(?!data))")


def test_kernels_are_imported_where_they_are_called_and_one_at_a_time():
    # Importing one compiles it; and numba's circular imports must not be entered by two threads at once.
    found = [
        (room, node, isinstance(block, ast.With) and ast.unparse(block.items[0]) == "IMPORTING")
        for room, tree in syntax_trees()
        for block in ast.walk(tree)
        for node in ast.iter_child_nodes(block)
        if isinstance(node, ast.ImportFrom) and KERNELS.match(node.module or "")
        if not room.startswith(ROOMS["numba"])
    ]
    assert {room for room, _, _ in found} == {"als/half_step.py", "ranking/native_top_n.py"}
    assert [f"als_cli/{room}:{node.lineno}" for room, node, is_guarded in found if not is_guarded] == []


def test_nothing_prints_evaluates_or_exits():
    calls = [
        f"als_cli/{room}:{node.lineno} calls {node.func.id}"
        for room, tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"eval", "exec", "exit", "quit", "print"}
        if not (node.func.id == "print" and room.startswith("console/"))
    ]
    assert calls == []


def test_a_file_is_one_idea():
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("als_cli", "tests", "docs", "sample_data")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > 300} == {}
