"""The hash of the code covers the modules that change numbers, and what they compute alone."""

import ast
import json
import shutil

import pytest

from lcs.runs import numeric_core
from lcs.runs.numeric_core import PACKAGE, code_hash, numeric_modules, same_code

CORE = """
    config/__init__ config/run_config config/starts config/training
    data/__init__ data/augment data/datasets data/gaussian_process data/specs
    data/spoken_digits data/surrogates
    measure/__init__ measure/clustering measure/locality_measures measure/shift_equivariance
    measure/weight_sharing measure/weights
    models/__init__ models/footprints models/layers models/networks models/resnet models/transfer
    optim/__init__ optim/beta_lasso optim/growing_l1 optim/learning_rate optim/mixed_precision
    optim/pruning optim/sgd optim/sparse_products optim/spred
    runs/record_format seeds shapes stats
    train/__init__ train/batches train/checkpoint train/cuda_graphs train/device train/loop
    train/recording train/setup train/step train/training
"""
# what they import, and does not change numbers: errors, prices, records and when to save
BESIDE = """
    data/cifar errors files runs/__init__ runs/consistency
    runs/provenance train/source_check train/time_budget
"""


def test_the_modules_that_change_numbers_are_these():
    found = [path.relative_to(PACKAGE).with_suffix("").as_posix() for path in numeric_modules()]
    assert found == sorted(CORE.split(), key=lambda name: PACKAGE / f"{name}.py")


def test_they_import_nothing_else():
    known = {*CORE.split(), *BESIDE.split()}
    for path in numeric_modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lcs"):
                base = node.module.split(".")[1:]
                for place in [[*base, alias.name] for alias in node.names]:
                    file = PACKAGE.joinpath(*place)
                    module = place if file.is_dir() or file.with_suffix(".py").exists() else base
                    name = "/".join(module)
                    name += "/__init__" * PACKAGE.joinpath(name).is_dir()
                    assert name in known, f"{path} imports {name}: does it change numbers?"


@pytest.fixture
def package(tmp_path, monkeypatch):
    copy = tmp_path / "lcs"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "exhibits"))
    monkeypatch.setattr(numeric_core, "PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    ("name", "old", "new", "counts"),
    [
        ("seeds", "return ", "# why\n    return ", False),
        ("seeds", "Random streams of", "Other words on", False),
        ("seeds", "seed: int, ", "seed: bool, ", False),
        ("seeds", ">> 1", ">> 2", True),
        ("config/training", '"cosine-epoch",', '"cosine-epoch", "other",', False),  # an annotation
        ("config/training", "] = 400", "] = 401", True),
        ("errors", "MAX_LETTERS = 160", "MAX_LETTERS = 161", False),
        ("optim/sgd", "import torch", "import torch\nx = 1", True),
    ],
)
def test_what_changes_the_hash(name, old, new, counts, package):
    path = package / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    assert (code_hash.__wrapped__() != code_hash()) == counts


def test_hashes_of_one_group_are_the_same_code(tmp_path, monkeypatch):
    listed = tmp_path / "equal.json"
    listed.write_text(json.dumps({"groups": [["a", "b"], ["c", "d"]]}))
    monkeypatch.setattr(numeric_core, "EQUAL_CODE", listed)
    assert same_code("a", "b")
    assert same_code("e", "e")
    assert not same_code("b", "c")
