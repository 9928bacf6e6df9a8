"""The house rules that a linter does not know: layers, and where each library may be imported."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "als_cli"
MODULES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {"errors"},
    {"als", "ranking", "evaluation"},
    {"config"},
    {"events", "dataset"},
    {"storage"},
    {"stages"},
    {"console"},
    {"cli"},
    {"__main__"},
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Each of these libraries has its rooms; anywhere else it is a mistake.
ROOMS = {
    "yaml": ("config/",),
    "typer": ("cli.py", "console/"),
    "rich": ("cli.py", "console/"),
    "implicit": ("als/implicit_engine.py", "evaluation/item_knn.py"),
    "numba": ("als/kernels/", "ranking/kernels/"),
    "pandas": (),
    "pickle": (),
    "click": (),
}

HEAVY = {"polars", "numpy", "scipy", "pyarrow", "implicit", "numba"}
LIGHT_ROOMS = ("config/", "console/", "cli.py", "errors.py", "__init__.py", "__main__.py")


@dataclass(frozen=True)
class Import:
    """One import statement's target."""

    name: str
    line: int
    at_top: bool


def part_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).as_posix()


def imports_of(module: Path) -> Iterator[Import]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{room_of(module)}:{node.lineno}: a relative import"
            target = node.module or ""
            names = [f"{target}.{alias.name}" for alias in node.names] if target == "als_cli" else [target]
            yield from (Import(name, node.lineno, id(node) in top) for name in names)


def test_every_part_has_its_layer():
    parts = {part_of(module) for module in MODULES} - {"__init__"}
    assert parts == set(RANK)


@pytest.mark.parametrize("module", MODULES, ids=room_of)
def test_imports_point_one_way(module):
    upward = [
        f"{room_of(module)}:{found.line}: {found.name}"
        for found in imports_of(module)
        if found.name.startswith("als_cli.") and found.name != "als_cli.__version__"
        if RANK[found.name.split(".")[1]] > RANK.get(part_of(module), 0)
    ]
    assert upward == []


def test_parts_of_one_layer_do_not_import_each_other_in_a_circle():
    uses = {
        (part_of(module), found.name.split(".")[1])
        for module in MODULES
        for found in imports_of(module)
        if found.name.startswith("als_cli.") and found.name != "als_cli.__version__"
    }
    circles = sorted((one, other) for one, other in uses if one < other and (other, one) in uses)
    assert circles == []


@pytest.mark.parametrize("module", MODULES, ids=room_of)
def test_each_library_stays_in_its_rooms(module):
    strays = [
        f"{room_of(module)}:{found.line}: {found.name}"
        for found in imports_of(module)
        if not room_of(module).startswith(ROOMS.get(found.name.split(".")[0], ("",)))
    ]
    assert strays == []


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m).startswith(LIGHT_ROOMS)], ids=room_of)
def test_help_never_waits_for_a_heavy_import(module):
    heavy = [
        f"{room_of(module)}:{found.line}: {found.name}"
        for found in imports_of(module)
        if found.at_top and found.name.split(".")[0] in HEAVY
    ]
    assert heavy == []


@pytest.mark.parametrize("module", MODULES, ids=room_of)
def test_nothing_prints_evaluates_or_exits(module):
    forbidden = {"eval", "exec", "compile", "print", "exit", "quit"} - (
        {"print"} if part_of(module) == "console" else set()
    )
    calls = [
        f"{room_of(module)}:{node.lineno}: {node.func.id}"
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden
    ]
    assert calls == []


@pytest.mark.parametrize(
    "module",
    sorted(p for folder in ("als_cli", "tests") for p in (ROOT / folder).rglob("*.py")),
    ids=lambda p: p.name,
)
def test_a_file_is_one_idea(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= 300
