"""The two floors: the library imports nothing of the exhibits, and no package of the book."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lcs"
LIBRARY = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] != "exhibits"
    and path.stem not in ("__init__", "__main__", "cli")
}
BOOK = {"pandas", "sklearn", "matplotlib", "seaborn", "papermill", "nbformat", "IPython"}
MOST_LEVELS = 9


def imports(path):
    """Names of the modules of lcs that a file imports, in functions too but not for types alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(text):
    """The module that an imported name is, or is taken from."""
    while text not in LIBRARY and "." in text:
        text = text.rpartition(".")[0]
    return FACES.get(text, text)


# a package hands on the names of one of its modules
FACES = {}
for path in PACKAGE.glob("*/__init__.py"):
    if path.parent.name != "exhibits":
        FACES[path.parent.name] = module_of(next(imports(path)).removeprefix("lcs."))
GRAPH = {
    name: {module_of(t.removeprefix("lcs.")) for t in imports(path) if t.startswith("lcs.")}
    for name, path in LIBRARY.items()
}


@pytest.mark.parametrize("name", LIBRARY)
def test_library_imports_library_only(name):
    assert GRAPH[name] <= LIBRARY.keys()


def test_imports_of_the_library_have_few_levels_and_no_cycle():
    levels = {}
    while len(levels) < len(GRAPH):
        ready = {name for name, below in GRAPH.items() if below <= levels.keys()} - levels.keys()
        assert ready, f"in a cycle, or above one: {GRAPH.keys() - levels.keys()}"
        level = 1 + max(levels.values(), default=0)
        levels |= dict.fromkeys(ready, level)
    assert max(levels.values()) <= MOST_LEVELS


@pytest.mark.parametrize(
    ("modules", "forbidden"),
    [
        ("data data.download config errors runs cli", {*BOOK, "torch", "PIL"}),
        ("optim models data train runs measure stats study theory optim.sparse train.replay", BOOK),
        ("exhibits", {*BOOK, "torch"}),
    ],
)
def test_importing_loads_no_package_of_the_book(modules, forbidden):
    script = f"import sys, {', '.join(f'lcs.{name}' for name in modules.split())}\n"
    script += f"print(*sorted({forbidden} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("\n", "")
