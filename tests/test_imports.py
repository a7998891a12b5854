"""Three floors, and imports point down only; no chapter imports another."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from lcs.exhibits import EXHIBITS

PACKAGE = Path(__file__).parents[1] / "lcs"
ABOVE = ("analysis", "exhibits", "cli")
LIBRARY = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in ABOVE and path.stem not in ("__init__", "__main__")
}
BOOK = {"pandas", "sklearn", "matplotlib", "seaborn", "papermill", "nbformat", "IPython", "jinja2"}
MOST_LEVELS = 10


def imports(path, *, types=False):
    """Names that a file imports, in functions too; those for types alone only if they are asked."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not types:
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules_of(path):
    """The modules of lcs that a file imports, or takes names from."""
    found = set()
    for text in imports(path):
        if text.startswith("lcs."):
            name = text.removeprefix("lcs.")
            while name not in LIBRARY and "." in name:
                name = name.rpartition(".")[0]
            found |= FACES.get(name, {name} & LIBRARY.keys())
    return found


# a package hands on names of some of its modules
FACES = {}
for path in PACKAGE.glob("*/__init__.py"):
    if path.parent.name not in ABOVE:
        FACES[path.parent.name] = modules_of(path)
GRAPH = {name: modules_of(path) for name, path in LIBRARY.items()}


FLOORS = {"lcs/analysis": ("exhibits", "cli"), "lcs/exhibits": ("cli",)}


@pytest.mark.parametrize("path", [*PACKAGE.rglob("*.py")], ids=lambda path: path.stem)
def test_no_floor_imports_one_above_it_not_even_for_types(path):
    place = path.relative_to(PACKAGE.parent).as_posix()
    above = next((names for floor, names in FLOORS.items() if place.startswith(floor)), ABOVE)
    if not place.startswith(("lcs/cli", "lcs/__main__")):
        parts = [text.split(".") for text in imports(path, types=True)]
        assert not {names[1] for names in parts if names[0] == "lcs" and names[1:]} & {*above}


def test_imports_of_the_library_have_few_levels_and_no_cycle():
    levels = {}
    while len(levels) < len(GRAPH):
        ready = {name for name, below in GRAPH.items() if below <= levels.keys()} - levels.keys()
        assert ready, f"in a cycle, or above one: {GRAPH.keys() - levels.keys()}"
        level = 1 + max(levels.values(), default=0)
        levels |= dict.fromkeys(ready, level)
    assert max(levels.values()) <= MOST_LEVELS


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
        ("data data.download config errors runs cli", {*BOOK, "torch", "PIL"}),
        ("optim models data train runs measure stats study", BOOK),
        ("optim.sparse_products train.replay", BOOK),
        ("exhibits", {*BOOK, "torch"}),
    ],
)
def test_importing_loads_no_package_of_the_book(modules, forbidden):
    script = f"import sys, {', '.join(f'lcs.{name}' for name in modules.split())}\n"
    script += f"print(*sorted({forbidden} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("\n", "")
