"""What the pages say of results, held to the records: see `checks`."""

import re

import pytest
from checks import CHECKS, PAGES, TEXTS, check, held, ids_on

from lcs.exhibits import find_study
from lcs.runs import BOOK_RUNS, RunStore


@pytest.fixture(scope="module")
def book():
    return RunStore(BOOK_RUNS)


@pytest.mark.parametrize("page", PAGES)
def test_every_id_on_a_page_is_that_of_a_check_or_of_a_cell(page):
    assert ids_on(PAGES[page]) <= CHECKS.keys() | held()


@pytest.mark.parametrize("text", TEXTS)
def test_no_other_line_of_a_text_is_a_comment(text):
    comments = re.findall("^%.*$", TEXTS[text].read_text(), re.MULTILINE)
    assert {line.removeprefix("% holds: ") for line in comments} <= ids_on(TEXTS[text])


def test_every_check_is_named_by_a_page():
    assert CHECKS.keys() <= set().union(*map(ids_on, PAGES.values()))


def test_no_two_checks_have_one_name():
    def gap_not_closed(store):
        """It is not closed."""

    with pytest.raises(AssertionError, match="gap-not-closed"):
        check(gap_not_closed)


def labelled(name):
    """The id after its module's name, by which the checks of one can be chosen."""
    return f"{CHECKS[name].__module__.removeprefix('checks.')}:{name}"


@pytest.mark.parametrize("name", CHECKS, ids=labelled)
def test_what_a_page_says_holds(name, book):
    assert CHECKS[name](book), CHECKS[name].__doc__


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


def named_by(*pages):
    return sorted(set().union(*(ids_on(PAGES[page]) for page in pages if page in PAGES)))


@pytest.mark.parametrize("name", named_by("table2", "figure3", "scaling", "claims"))
def test_another_seed_breaks_no_check(name, with_another_seed):
    assert CHECKS[name](with_another_seed), CHECKS[name].__doc__
