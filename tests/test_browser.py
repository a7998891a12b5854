"""The built pages as a reader sees them, in headless Chromium.

A browser is taken where there is one and never downloaded: without it these tests are skipped.
"""

import re
import shutil

import pytest
import yaml

from lcs.analysis.style import PAGE_WIDTH
from lcs.exhibits import book

DESKTOP, PHONE = {"width": 1300, "height": 900}, {"width": 400, "height": 800}
OFF = ("gpu", "background-networking", "component-update", "sync")
OPTIONS = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in OFF)]
# of the theme's own extensions, on every page
KNOWN = "'THEBE_JS_URL' has already been declared"
TOC = yaml.safe_load((book.ROOT / "_toc.yml").read_text())
CHAPTERS = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
PAGES = [TOC["root"]] + [p["file"] for c in CHAPTERS for p in (c, *c.get("sections", []))]


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        own = playwright.chromium.executable_path  # where `playwright install` puts it
        found = [path for name in (*names, own) if (path := shutil.which(name))]
        if not found:
            pytest.skip("there is no Chromium on this machine")
        opened = playwright.chromium.launch(executable_path=found[0], args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture(scope="module", params=PAGES)
def page(request, browser, built):
    """A page of the book, opened once; `problems` is what the browser reported."""
    opened = browser.new_page(viewport=DESKTOP)
    opened.problems = []
    opened.on(
        "console", lambda said: opened.problems.append(said.text) if said.type == "error" else None
    )
    opened.on("pageerror", lambda error: opened.problems.append(str(error)))
    opened.on("requestfailed", lambda asked: opened.problems.append(asked.url))
    opened.goto((built / f"{request.param}.html").as_uri())
    yield opened
    opened.close()


def test_the_browser_reports_no_problem_and_no_table_is_wider_than_the_page(page):
    page.set_viewport_size(DESKTOP)
    assert [problem for problem in page.problems if KNOWN not in problem] == []
    wide = """() => [...document.querySelectorAll("article table")]
        .filter(table => table.getClientRects().length)
        .filter(table => table.getBoundingClientRect().right
            > document.querySelector("article").getBoundingClientRect().right + 1)
        .map(table => table.closest("[id]")?.id || table.textContent.trim().slice(0, 60))"""
    assert page.evaluate(wide) == []


def test_a_phone_scrolls_the_page_down_only(page):
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for chart in page.locator(".chart svg.marks").all():
        box = chart.bounding_box()
        assert box["x"] + box["width"] <= PHONE["width"]


def test_figures_on_a_phone_keep_letters_that_can_be_read(page):
    page.set_viewport_size(PHONE)
    images = page.locator("article :is(div.cell_output, figure) img")
    for figure in (image for image in images.all() if image.is_visible()):
        wide = 702.0
        if figure.evaluate("it => it.closest('.sd-row') !== null"):  # beside another, at 200 dpi
            wide *= figure.evaluate("it => it.naturalWidth") / 200 / PAGE_WIDTH
        assert figure.bounding_box()["width"] >= 0.75 * wide  # letters of 9 points and more


def _luminance(colour):
    """Relative luminance (WCAG 2.1) of a colour as the browser says it: `rgb(…)`."""
    channels = [float(value) / 255 for value in re.findall(r"[\d.]+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible_in_both_themes(page, theme):
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    style = "document.defaultView.getComputedStyle(document.querySelector('%s')).%s"
    ground = _luminance(page.evaluate(style % ("body", "backgroundColor")))
    assert (ground < 0.5) == (theme == "dark")
    for part in ("article p", "article td", "article figcaption p", "article pre"):
        if page.locator(part).count():
            text = _luminance(page.evaluate(style % (part, "color")))
            light, dark = max(text, ground), min(text, ground)
            assert (light + 0.05) / (dark + 0.05) > 4.5, part


def test_a_chart_is_drawn_and_its_controls_change_it(page):
    page.set_viewport_size(DESKTOP)
    charts = page.locator(".chart")
    if not charts.count():
        pytest.skip("no interactive figure here")
    for chart in charts.all():
        chart.locator("svg.marks").wait_for(timeout=10_000)
        before = chart.locator("svg.marks").inner_html()
        for control in chart.locator("input[type=range]").all():
            control.focus()
            control.press("End")
            page.wait_for_timeout(200)
            assert chart.locator("svg.marks").inner_html() != before


def test_an_answer_has_its_figure_on_the_first_screen(page):
    page.set_viewport_size(DESKTOP)
    page.evaluate("window.scrollTo(0, 0)")
    opening = page.locator("article h2, article figure").first
    if not opening.count() or opening.evaluate("seen => seen.matches('h2')"):
        pytest.skip("this page does not open with a figure")
    room = 1 if "intro" in page.url or "index" in page.url else 2 / 3
    assert opening.bounding_box()["y"] < room * DESKTOP["height"]


def test_charts_show_something_without_scripts(browser, built):
    silent = browser.new_context(java_script_enabled=False).new_page()
    for name in PAGES:
        if 'class="chart"' in (built / f"{name}.html").read_text():
            silent.goto((built / f"{name}.html").as_uri())
            for chart in silent.locator(".chart").all():
                assert chart.locator("img, svg, table").first.bounding_box()["height"] > 100
    silent.context.close()


def test_the_example_of_the_filter_finds_some_runs(browser, built):
    opened = browser.new_page(viewport=DESKTOP)
    opened.goto((built / "book/records.html").as_uri())
    field, said = opened.locator(".run-filter input"), opened.locator(".run-filter output")
    field.fill(field.get_attribute("placeholder"))
    found, every = map(int, re.findall(r"\d+", said.text_content()))
    assert 0 < found < every
    opened.close()
