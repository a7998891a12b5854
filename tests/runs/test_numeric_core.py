"""The hash of the code covers the modules that change numbers, and what they compute alone."""

import ast
import shutil

import pytest

from lcs.runs import numeric_core
from lcs.runs.numeric_core import NUMERIC, PACKAGE, WITHOUT_NUMBERS, code_hash, numeric_modules

# what these import beside WITHOUT_NUMBERS: errors, and where records are and come from
BESIDE = {"errors.py", "files.py", "runs/__init__.py", "runs/consistency.py", "runs/provenance.py"}


def test_they_import_nothing_else():
    assert all((PACKAGE / name).exists() for name in (*NUMERIC, *WITHOUT_NUMBERS, *BESIDE))
    known = {*numeric_modules(), *(PACKAGE / name for name in WITHOUT_NUMBERS | BESIDE)}
    for path in numeric_modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lcs"):
                base = PACKAGE.joinpath(*node.module.split(".")[1:])
                for place in [base / alias.name for alias in node.names]:
                    found = place if place.is_dir() or place.with_suffix(".py").exists() else base
                    file = found / "__init__.py" if found.is_dir() else found.with_suffix(".py")
                    assert file in known, f"{path} imports {file}: does it change numbers?"


@pytest.mark.parametrize(
    ("name", "old", "new", "counts"),
    [
        ("seeds", "return ", "# why\n    return ", False),
        ("seeds", "seed: int, ", "seed: bool, ", False),
        ("seeds", ">> 1", ">> 2", True),
        ("config/training", '"cosine-epoch",', '"cosine-epoch", "other",', False),  # an annotation
        ("config/training", "] = 400", "] = 401", True),
        ("errors", "class LcsError(", "class OtherError(", False),
        ("optim/sgd", "import torch", "import torch\nx = 1", True),
    ],
)
def test_what_changes_the_hash(name, old, new, counts, tmp_path, monkeypatch):
    package = tmp_path / "lcs"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "exhibits"))
    monkeypatch.setattr(numeric_core, "PACKAGE", package)
    path = package / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert (code_hash.__wrapped__() != code_hash()) == counts
