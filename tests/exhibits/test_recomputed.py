"""What three chapters print, recomputed from the records read as plain JSON."""

import functools
import json
from statistics import fmean

import nbformat
import pytest

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.exhibits.book import ROOT
from lcs.runs import BOOK_RUNS

SGD, B50 = {"optimizer": "sgd"}, {"optimizer": "beta-lasso", "beta": 50.0}


@functools.cache
def _stored():
    return [json.loads(path.read_text()) for path in sorted(BOOK_RUNS.glob("cifar10/*.json"))]


def _documents(**wanted):
    """Every stored desk record of S-FC, as plain JSON, whose config has these values."""
    wanted |= {"model": "s-fc", "base_channels": 1}
    wanted |= {"dataset": "cifar10", "epochs": 400, "loss": "bce"}
    plain = Config(**{"loss": "bce", "precision": "bf16", "epochs": 400})
    fixed = ("schedule", "augment", "validation", "precision", "lr", "batch_size", "permute_pixels")
    return [
        document
        for document in _stored()
        if all(document["config"][name] == value for name, value in wanted.items())
        and all(document["config"][name] == getattr(plain, name) for name in fixed)
        and document["config"]["l1"] in (0.0, 2e-5)
        and document["config"]["l1_rest"] is None
        and not document["config"].get("frozen_zeros")
        and document["config"].get("period") is None
    ]


def _glued(chapter):
    notebook = nbformat.read(ROOT / "book" / f"{chapter}.ipynb", as_version=4)
    found = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name:
                (value,) = (v for k, v in output["data"].items() if k.endswith("text/plain"))
                found[name] = value
    return found


def test_table2_prose_says_what_the_records_say():
    glued = _glued("table2")
    seeds = range(int(float(glued["n"])))
    sparse, dense = (
        {d["config"]["seed"]: 100 * d["final"]["test_accuracy"] for d in _documents(**who)}
        for who in (B50, SGD)
    )
    gain = fmean(sparse[seed] - dense[seed] for seed in seeds)
    assert glued["less-sgd"].strip("'").split(" ")[0] == f"{gain:+.2f}"


def test_figure3_prose_says_what_the_records_say():
    glued = _glued("figure3")
    runs = _documents(**B50)
    weights = {"conv1": 3072 * 256, "fc1": 256 * 24, "fc2": 24 * 10}
    for layer, count in weights.items():
        left = fmean(run["history"]["nonzeros"][layer][-1] for run in runs)
        assert float(glued[f"share-{layer}"]) == pytest.approx(100 * left / count)


def test_figure4_prose_says_what_the_records_say():
    sparse = (c for c in find_study("rivals-wider").configs("desk", 3) if c.beta)
    documents = [json.loads((BOOK_RUNS / f"{config.file}.json").read_text()) for config in sparse]
    found = [one["final"]["locality"]["window_mass"] for one in documents]
    excess = fmean(100 * (one["mean"] - one["null_mean"]) for one in found)
    assert _glued("figure4")["open-sparse"].strip("'").split(" ")[0] == f"{excess:.2f}"
