"""Rules that linters do not check: the layers of packages, and the files in which each library may be imported."""

import ast
import functools
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
    {"evaluation", "guessing"},
    {"tuning"},
    {"storage"},
    {"report"},
    {"stages"},
    {"console", "api"},
    {"commands"},
    {"cli"},
    {"__main__", "__init__"},
)
RANK = {package: rank for rank, packages in enumerate(LAYERS) for package in packages}

# The files, by the start of their path, in which each library may be imported.
FILES_OF_LIBRARY: dict[str, tuple[str, ...]] = {
    "yaml": ("config/",),
    "typer": ("cli.py", "commands/", "console/"),
    "rich": ("console/",),
    "plotext": ("console/plots.py",),
    "implicit": ("als/implicit_engine.py", "evaluation/item_knn.py", "api/exchange.py"),
    "numba": ("als/kernels/", "ranking/kernel_"),
    "optuna": ("tuning/study.py", "tuning/trial_digests.py"),
    "sqlalchemy": ("tuning/study.py",),
    "adbc_driver_manager": ("storage/databases/database.py",),
    "deltalake": ("storage/sinks/delta_", "tables/delta.py"),
    "jinja2": ("report/page.py",),
    "markupsafe": ("report/page.py",),
    "vl_convert": ("report/script.py",),
    "pandas": (),
    "pickle": (),
    "click": (),
}

HEAVY = {"polars", "numpy", "scipy", "pyarrow", "implicit", "numba"}
LIGHT_FILES = ("config/", "console/", "commands/", "cli.py", "errors.py", "__init__.py", "__main__.py")


@dataclass(frozen=True)
class Import:
    """The target of an import statement, and its file and line."""

    file: str
    line: int
    name: str
    at_top: bool

    @property
    def library(self) -> str:
        return self.name.split(".")[0]

    @property
    def package(self) -> str:
        """The package or module of als_cli that has the import."""
        return self.file.split("/")[0].removesuffix(".py")

    @property
    def target(self) -> str | None:
        """The imported package or module of als_cli; None for a library or a name of als_cli/__init__.py."""
        package = self.name.removeprefix("als_cli.").split(".")[0]
        return package if self.name.startswith("als_cli.") and package in RANK else None

    def __str__(self) -> str:
        return f"als_cli/{self.file}:{self.line} imports {self.name}"


@functools.cache
def syntax_trees() -> list[tuple[str, ast.Module]]:
    """Return the path below als_cli and the syntax tree of each module."""
    return [
        (module.relative_to(PACKAGE).as_posix(), ast.parse(module.read_text(encoding="utf-8")))
        for module in sorted(PACKAGE.rglob("*.py"))
    ]


def imports() -> Iterator[Import]:
    for file, tree in syntax_trees():
        top = set(map(id, tree.body))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (Import(file, node.lineno, alias.name, id(node) in top) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                name = "." * node.level + (node.module or "")
                names = [f"{name}.{alias.name}" for alias in node.names] if name == "als_cli" else [name]
                yield from (Import(file, node.lineno, found, id(node) in top) for found in names)


def offenders(wrong: Iterator[Import]) -> list[str]:
    return [str(found) for found in wrong]


def test_the_imports_of_the_package_are_found():
    assert {found.library for found in imports()} >= {
        "als_cli",
        "polars",
        "numpy",
        "yaml",
        "typer",
        "rich",
        "implicit",
    }


def test_every_package_has_a_layer():
    packages = {
        path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()
    }
    assert packages - {"__pycache__"} == set(RANK)


def test_imports_are_absolute():
    assert offenders(found for found in imports() if found.name.startswith(".")) == []


def test_no_import_points_to_a_higher_layer():
    upward = (
        found for found in imports() if found.target and RANK[found.target] > RANK.get(found.package, -1)
    )
    assert offenders(upward) == []


def test_packages_of_one_layer_have_no_circular_imports():
    uses = {
        (found.package, found.target) for found in imports() if found.target and found.package != found.target
    }
    assert sorted((package, other) for package, other in uses if (other, package) in uses) == []


def test_each_library_is_imported_only_in_its_files():
    strays = (
        found for found in imports() if not found.file.startswith(FILES_OF_LIBRARY.get(found.library, ("",)))
    )
    assert offenders(strays) == []


def test_no_two_classes_share_a_name():
    places: dict[str, list[str]] = {}
    for file, tree in syntax_trees():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_private_modules_of_numba_are_imported_in_one_file():
    users = {found.file for found in imports() if found.name.startswith(("numba.core", "numba.config"))}
    assert users == {"als/kernels/numba_internals.py"}


def test_light_modules_import_no_heavy_library_at_the_top():
    heavy = (
        found
        for found in imports()
        if found.at_top and found.library in HEAVY and found.file.startswith(LIGHT_FILES)
    )
    assert offenders(heavy) == []


def test_numba_is_imported_only_to_compile_kernels():
    # Its import takes longer than the ranking of a small shop. Compiled kernels run without it.
    with_numba = {
        "als_cli." + found.file[:-3].replace("/", ".") for found in imports() if found.library == "numba"
    }
    before = set()
    while before != with_numba:
        before = set(with_numba)
        with_numba |= {
            "als_cli." + found.file[:-3].replace("/", ".")
            for found in imports()
            if found.at_top and found.name in before
        }
    light = {"signatures", "kernel", "machine_code", "row_system", "scratch", "rows"}
    kernels = {name for name in with_numba if name.startswith("als_cli.als.kernels.")}
    assert len(kernels) >= 10
    assert not {f"als_cli.als.kernels.{name}" for name in light} & kernels
    assert {name for name in with_numba - kernels if not name.startswith("als_cli.ranking.kernel_")} == set()
    assert not {f"als_cli.ranking.kernel_{name}" for name in ("data", "types", "entries")} & with_numba


def test_library_code_does_not_print_evaluate_or_exit():
    calls = [
        f"als_cli/{file}:{node.lineno} calls {node.func.id}"
        for file, tree in syntax_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in {"eval", "exec", "exit", "quit", "print"}
        if not (node.func.id == "print" and file.startswith("console/"))
    ]
    assert calls == []


def test_no_file_has_more_than_300_lines():
    lines = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("als_cli", "tests", "docs", "sample_data")
        for path in (ROOT / folder).rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_the_list_of_slow_tests_names_existing_files():
    from tests.conftest import SLOW, TESTS

    assert [name for name in SLOW if not (TESTS / name).exists()] == []
