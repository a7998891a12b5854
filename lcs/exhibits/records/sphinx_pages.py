"""The Sphinx extension that makes the records' part of the book, named in `_config.yml`.

- The directive `run-table` is the table of all runs.
- Every run has a page beside its record, and a link to a record leads to that page: in a notebook
  that is read by itself it leads to the record, which is there.
"""

import functools
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from lcs.exhibits.records import run_pages
from lcs.exhibits.records.book_runs import BookRun, all_runs
from lcs.runs import RunStore

RUNS = "book/runs"
TABLE_PAGE = "book/records"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register all of it with Sphinx."""
    app.add_directive("run-table", RunTable)
    # before Sphinx collects the files that are linked, to copy each once more
    app.connect("doctree-read", lead_to_pages, priority=400)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class RunTable(SphinxDirective):
    """The table of all runs."""

    def run(self) -> list[nodes.Node]:
        """Return the table as HTML, which the search of the book leaves out."""
        return [nodes.raw("", run_pages.table(_runs(Path(self.env.srcdir, RUNS))), format="html")]


def lead_to_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Turn links to records into links to the pages of their runs."""
    docname = app.env.docname
    for link in list(doctree.findall(addnodes.download_reference)):
        place, _ = app.env.relfn2path(link["reftarget"], docname)
        if place.startswith(f"{RUNS}/") and place.endswith(".json"):
            page = place.removesuffix(".json") + ".html"
            uri = relative_uri(app.builder.get_target_uri(docname), page)
            link.replace_self(nodes.reference("", "", *link.children, refuri=uri, internal=True))


def add_script(app: Sphinx, pagename: str, *_: Any) -> None:
    """Give the page of the table its script, which filters and sorts."""
    if pagename == TABLE_PAGE:
        app.add_js_file("records.js", loading_method="defer")


def write_pages(app: Sphinx, failure: Exception | None) -> None:
    """Copy the records into the built book, and write a page beside each."""
    source, target = Path(app.srcdir, RUNS), Path(app.outdir, RUNS)
    if failure or app.builder.format != "html" or not source.exists():
        return
    shutil.copytree(source, target, dirs_exist_ok=True)
    seeds: dict[Any, list[BookRun]] = defaultdict(list)
    for run in _runs(source):
        seeds[run.config.replace(seed=0)].append(run)
    for group in seeds.values():
        for run in group:
            path = target / f"{run.place}.html"
            path.write_text(run_pages.page(run, group, app.env.found_docs), encoding="utf-8")


@functools.cache
def _runs(root: Path) -> list[BookRun]:
    return all_runs(RunStore(root))
