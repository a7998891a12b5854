"""What the pages say of results, held to the records: see `checks`."""

import functools
import importlib

import pytest
from checks import PAGES, ROOT, ids_on, judged

from lcs.exhibits import claims, find_study, table2
from lcs.runs import PUBLISHED, RunStore


def checks_of(page):
    """Return the predicates of a page; none where it has no module."""
    if not (ROOT / "tests" / "checks" / f"{page}.py").exists():
        return {}
    return importlib.import_module(f"checks.{page}").CHECKS


def every_check(pages):
    return [
        pytest.param(check, id=f"{page}:{name}")
        for page in pages
        for name, check in checks_of(page).items()
    ]


@pytest.fixture(scope="module")
def book():
    return RunStore(PUBLISHED)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_its_module_name_the_same_checks(page):
    assert ids_on(PAGES[page]) == checks_of(page).keys()


def test_every_module_belongs_to_a_page():
    modules = {path.stem for path in (ROOT / "tests" / "checks").glob("*.py")}
    assert modules - {"__init__"} <= PAGES.keys()


@functools.cache
def holds(check, store):
    """Return whether a check holds, which several pages may name."""
    return check(store)


@pytest.mark.parametrize("check", every_check(PAGES))
def test_what_a_page_says_holds(check, book):
    assert holds(check, book), check.__doc__


# Another seed


@pytest.fixture(scope="module")
def with_another_seed(book, tmp_path_factory):
    """The book's records, and a made-up further seed of every method of some studies."""
    store = RunStore(tmp_path_factory.mktemp("made-up"), fallback=book)
    for study in ("table2", "scaling", "scaling-wide", "scaling-own"):
        known = find_study(study).stored("desk", book)
        last = max(run.config.seed for run in known)
        for run in (run for run in known if run.config.seed == last):
            config = run.config.replace(seed=last + 1)
            # studies share runs; a real one of this seed, of some methods alone, is put aside
            if not store.path(config).exists():
                accuracy = run.accuracy - 0.001
                curve = [*run.history["test_accuracy"][:-1], accuracy]
                store.write(
                    config,
                    history=run.history | {"test_accuracy": curve},
                    final=run.final | {"test_accuracy": accuracy},
                    provenance=run.provenance,
                )
    return store


def test_another_seed_changes_tables_and_claims(book, with_another_seed):
    before, after = (claims.table(judged(store)).rows for store in (book, with_another_seed))
    counted = [new[3] for old, new in zip(before, after, strict=True) if old[3] != new[3]]
    assert set(counted) == {"4", "6"}
    runs = find_study("table2").stored("desk", with_another_seed)
    assert table2.accuracy_numbers(runs)["n"] == 6
    assert "n = 6" in table2.accuracy_table(runs).caption


@pytest.mark.parametrize("check", every_check(("table2", "figure3", "scaling", "claims")))
def test_another_seed_breaks_no_check(check, with_another_seed):
    assert check(with_another_seed), check.__doc__
