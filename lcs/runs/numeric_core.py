"""The modules that change the numbers of a run, and a hash of what they compute."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# groups of hashes that stand for equal bits; tests/train/seven_trainings.py extends them
EQUAL_CODE = Path(__file__).with_name("equal_code.json")
# packages count as a whole, but for what only fetches, checks or saves
NUMERIC = ("config", "data", "measure", "models", "optim", "train", "runs/record_format.py",
           "seeds.py", "shapes.py", "stats.py")  # fmt: skip
WITHOUT_NUMBERS = {"data/cifar.py", "data/download.py", "train/replay.py"}
IGNORED = {"annotation", "returns", "type_comment", "kind", "type_ignores"}


def numeric_modules() -> list[Path]:
    """Return the files whose code changes the numbers of a run, sorted."""
    places = [PACKAGE / name for name in NUMERIC]
    found = {f for place in places for f in (place.rglob("*.py") if place.is_dir() else [place])}
    return sorted(found - {PACKAGE / name for name in WITHOUT_NUMBERS})


@functools.cache
def code_hash() -> str:
    """SHA-256 of these modules' syntax trees, without docstrings, comments and annotations."""
    digest = hashlib.sha256()
    for path in numeric_modules():
        tree = _plain(ast.parse(path.read_text(encoding="utf-8")))
        digest.update(json.dumps([path.relative_to(PACKAGE).as_posix(), tree]).encode())
    return digest.hexdigest()


def same_code(one: str, other: str) -> bool:
    """Whether two code hashes stand for code that computes the same bits."""
    groups = json.loads(EQUAL_CODE.read_text(encoding="utf-8"))["groups"]
    return one == other or any({one, other} <= set(group) for group in groups)


def _plain(node: object) -> object:
    """Return a syntax tree as JSON-ready lists, without empty fields that some versions have."""
    if isinstance(node, list):
        return [_plain(item) for item in node if not _says_nothing(item)]
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((name, value) for name, value in ast.iter_fields(node) if name not in IGNORED)
    parts = [[name, _plain(value)] for name, value in fields if value not in (None, [])]
    return [type(node).__name__, *parts]


def _says_nothing(node: object) -> bool:
    """Whether a statement is a docstring or for a type checker alone."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.ImportFrom):
        return node.module == "__future__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
