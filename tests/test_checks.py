"""What the pages say of results, held to the records: see `checks`."""

import importlib

import pytest
from checks import PAGES, ROOT, ReadOnce, ids_on

from lcs.runs import PUBLISHED


def checks_of(page):
    """Return the predicates of a page; none where it has no module."""
    if not (ROOT / "tests" / "checks" / f"{page}.py").exists():
        return {}
    return importlib.import_module(f"checks.{page}").CHECKS


EVERY = [
    pytest.param(check, id=f"{page}:{name}")
    for page in PAGES
    for name, check in checks_of(page).items()
]


@pytest.fixture(scope="module")
def book():
    return ReadOnce(PUBLISHED)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_its_module_name_the_same_checks(page):
    assert ids_on(PAGES[page]) == checks_of(page).keys()


def test_every_module_belongs_to_a_page():
    modules = {path.stem for path in (ROOT / "tests" / "checks").glob("*.py")}
    assert modules - {"__init__"} <= PAGES.keys()


@pytest.mark.parametrize("check", EVERY)
def test_what_a_page_says_holds(check, book):
    assert check(book), check.__doc__
