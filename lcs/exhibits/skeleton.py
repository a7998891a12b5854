"""A new exhibit to start from: a module with one study and one claim, and a page that shows it."""

import re

import nbformat

from lcs.errors import ConfigError
from lcs.exhibits.book import ROOT

MODULE = '''"""{title}? One study, and a claim about it."""

from lcs.analysis.claims import exceeds, ours
from lcs.config import Config
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.settings import REPRODUCTION, beta_lasso, sgd

STUDIES = Studies()


@STUDIES.add(REPRODUCTION)
def {name}(base: Config) -> list[Config]:
    """{title}."""
    return [sgd(base, "s-fc"), beta_lasso(base, 50)]


CLAIMS = {{"{title}: β = 50 is better than SGD": ours("{study}", exceeds("β-LASSO", "SGD"))}}
'''
IMPORTS = """from lcs.analysis import (
    glue,
    holds,
    interval,
    links,
    load_runs,
    not_held,
    paired,
    setting_name,
    start,
    table,
)

options = start("{name}", globals())"""
TABLE = """runs = load_runs("{study}", **options)
by = dict(list(runs.groupby("method")))
rows = {{
    method: {{"test accuracy (%)": interval(group.accuracy), "seeds": links(group.record)}}
    for method, group in by.items()
}}
glue("{study}-lead", f"{{paired(by['β-LASSO'], by['plain SGD']):+}}")
holds("both-methods-ran", len(by) == 2)
table(rows, "tab-{study}", f"Test accuracy, {{setting_name(runs.condition.iloc[0])}}.")"""
TEXT = """% holds: both-methods-ran
β-LASSO is {{glue:text}}`{study}-lead` points from plain SGD ({{numref}}`tab-{study}`)."""
PARAMETERS = """scale = "smoke"  # smoke or desk
seeds = 0  # runs of each method; 0 means as many as the study has
device = "auto"  # auto, cpu or cuda"""


def create(name: str) -> list[str]:
    """Write module and page of a new exhibit, and list it; return what was written.

    Raises:
        ConfigError: this is no name for a module, or there is such a file.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"name: {name!r} is none; give small letters, digits and _")
    module, page = ROOT / "lcs" / "exhibits" / f"{name}.py", ROOT / "book" / f"{name}.ipynb"
    if taken := [path for path in (module, page) if path.exists()]:
        raise ConfigError(f"name: {taken[0]} is there already; choose another")
    words = {"name": name, "study": name.replace("_", "-"), "title": name.replace("_", " ")}
    words["title"] = words["title"].capitalize()
    cells = nbformat.v4
    notebook = cells.new_notebook(
        cells=[
            cells.new_markdown_cell(f"# {words['title']}?"),
            cells.new_code_cell(PARAMETERS, metadata={"tags": ["parameters", "hide-input"]}),
            cells.new_code_cell(IMPORTS.format(**words), metadata={"tags": ["remove-cell"]}),
            cells.new_code_cell(TABLE.format(**words), metadata={"tags": ["hide-input"]}),
            cells.new_markdown_cell(TEXT.format(**words)),
            cells.new_code_cell("not_held()", metadata={"tags": ["remove-cell"]}),
        ]
    )
    module.write_text(MODULE.format(**words), encoding="utf-8")
    nbformat.write(notebook, page)
    contents, listed = ROOT / "_toc.yml", ROOT / "lcs" / "exhibits" / "__init__.py"
    text = contents.read_text(encoding="utf-8").rstrip()
    contents.write_text(f"{text}\n      - file: book/{name}\n", encoding="utf-8")
    text = listed.read_text(encoding="utf-8").replace('"engine",\n', f'"engine", "{name}",\n', 1)
    listed.write_text(text, encoding="utf-8")
    return [path.relative_to(ROOT).as_posix() for path in (module, page, contents, listed)]
