"""Imports point down only, those for types too; no chapter imports another."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

from lcs.exhibits import EXHIBITS

PACKAGE = Path(__file__).parents[1] / "lcs"
# from below; a module imports those of its own floor and of lower ones
FLOORS = (
    "errors seeds files",
    "shapes data",  # which does not know of configurations
    "config",
    "models optim measure stats",
    "runs",
    "train",
    "study doctor",
    "analysis",
    "exhibits",
    "cli __main__",
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
BOOK = {"pandas", "sklearn", "matplotlib", "seaborn", "papermill", "nbformat", "IPython", "jinja2"}


def imports(path):
    """Names that a file imports, in functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules():
    """Return the modules and packages of lcs, each with those that it imports or takes names of."""
    paths = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "__init__.py"
    }
    graph = {}
    for module, path in paths.items():
        graph[module] = set()
        for text in imports(path):
            if text.startswith("lcs."):
                name = text.removeprefix("lcs.")
                while name not in paths:
                    name = name.rpartition(".")[0]
                graph[module].add(name)
    return graph


GRAPH = modules()


def test_no_floor_imports_one_above_it():
    floors = {name: FLOOR[name.partition(".")[0]] for name in GRAPH}
    up = {(a, b) for a, below in GRAPH.items() for b in below if floors[a] < floors[b]}
    assert not up


def test_there_is_no_cycle():
    assert [*graphlib.TopologicalSorter(GRAPH).static_order()]


EXHIBIT_FILES = {
    path: path.relative_to(PACKAGE / "exhibits").parts[0].removesuffix(".py")
    for path in (PACKAGE / "exhibits").rglob("*.py")
}


@pytest.mark.parametrize(
    "path", EXHIBIT_FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_no_chapter_imports_another_and_nothing_shared_a_page(path):
    own = EXHIBIT_FILES[path]
    others = {*EXHIBIT_FILES.values()} - {"__init__"} if own == "shared" else {*EXHIBITS}
    forbidden = {f"lcs.exhibits.{name}" for name in others - {own}}
    assert not [text for text in imports(path) if ".".join(text.split(".")[:3]) in forbidden]


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        ("data.download config runs cli exhibits", {*BOOK, "torch", "PIL"}),
        ("models", {*BOOK, "lcs.config", "torchvision"}),
        ("optim.sparse_products models measure study train.replay", {*BOOK, "torchvision"}),
    ],
)
def test_importing_loads_no_package_of_the_book(modules, forbidden):
    script = f"import sys, {', '.join(f'lcs.{name}' for name in modules.split())}\n"
    script += f"print(*sorted({forbidden} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("\n", "")
