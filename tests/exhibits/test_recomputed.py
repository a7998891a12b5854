"""What three chapters print, recomputed from the records read as plain JSON."""

import json
from statistics import fmean

import nbformat
import pytest

from lcs.exhibits import find_study
from lcs.exhibits.book import ROOT
from lcs.runs import BOOK_RUNS


def _documents(study, beta, seeds=5):
    """The records of S-FC with this β, 0 for SGD, by seed, as plain JSON."""
    wanted = "beta-lasso" if beta else "sgd"
    found = [
        config
        for config in find_study(study).configs("desk", seeds)
        if (config.model, config.optimizer, config.beta) == ("s-fc", wanted, beta)
    ]
    return [json.loads((BOOK_RUNS / f"{config.file}.json").read_text()) for config in found]


def _glued(chapter):
    notebook = nbformat.read(ROOT / "book" / f"{chapter}.ipynb", as_version=4)
    found = {}
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
            (value,) = (v for k, v in output["data"].items() if k.endswith("text/plain"))
            found[name] = value.strip("'").split(" ")[0]
    return found


def test_table2_prose_says_what_the_records_say():
    sparse, dense = (
        [100 * one["final"]["test_accuracy"] for one in _documents("table2", beta)]
        for beta in (50, 0)
    )
    gain = fmean(one - other for one, other in zip(sparse, dense, strict=True))
    assert _glued("table2")["less-sgd"] == f"{gain:+.2f}"


def test_figure3_prose_says_what_the_records_say():
    glued, runs = _glued("figure3"), _documents("figure3", 50)
    for layer, count in {"conv1": 3072 * 256, "fc1": 256 * 24, "fc2": 24 * 10}.items():
        left = fmean(run["history"]["nonzeros"][layer][-1] for run in runs)
        assert float(glued[f"share-{layer}"]) == pytest.approx(100 * left / count)


def test_figure4_prose_says_what_the_records_say():
    documents = _documents("rivals-wider", 50, seeds=3)
    found = [one["final"]["locality"]["window_mass"] for one in documents]
    excess = fmean(100 * (one["mean"] - one["null_mean"]) for one in found)
    assert _glued("figure4")["open-sparse"] == f"{excess:.2f}"
