"""The records' part of the book, a Sphinx extension that `_config.yml` names.

- The directive `run-table` is the table of all runs, which `_static/records.js` sorts and filters.
- Every run has a page beside its record, and a link to a record leads to that page: in a notebook
  that is read by itself it leads to the record, which is there.

A record is data that others may have sent: whatever of it reaches a page is escaped.
"""

from __future__ import annotations

import functools
import json
import shlex
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jinja2
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.osutil import relative_uri

from lcs.analysis.names import LAYERS, NETWORKS, method_name
from lcs.analysis.runs import condition, frame
from lcs.analysis.tables import NONE, number
from lcs.config import Config
from lcs.config.run_config import defaults
from lcs.errors import ConfigError, NotChosen
from lcs.exhibits import by_chapter
from lcs.runs import Record, RunStore
from lcs.study import cost

if TYPE_CHECKING:
    from pandas import Series

RUNS, TABLE_PAGE = "book/runs", "book/records"
# a folder without records: with the book's at hand, nothing would be trained
RERUN_STORE = "--store _build/again"
# values that the table has columns of, or that follow from the method
IN_COLUMNS = {"dataset", "model", "base_channels", "optimizer", "l1", "l1_rest", "beta", "epochs",
              "seed"}  # fmt: skip
# of the table, and how their cells are set
COLUMNS = {
    **{"data": "", "setting": "words", "network": "", "α": "number", "method": "", "λ": "number"},
    **{"epochs": "number", "else": "words", "seed": "number", "accuracy (%)": "number"},
    **{"kept (%)": "number", "run": ""},
}


class Use(NamedTuple):
    """A study that has a run, its chapter, its setting, and what the setting's runs share."""

    study: str
    chapter: str
    setting: str
    base: Config | None  # the toy's shares nothing


Uses = Mapping[Config | str, list[Use]]  # by `condition`


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
        return [nodes.raw("", table(*all_runs(Path(self.env.srcdir, RUNS))), format="html")]


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
    records, uses = all_runs(source)
    seeds: dict[Any, list[Record]] = defaultdict(list)
    for record in records:
        seeds[condition(record)].append(record)
    for group in seeds.values():
        for record in group:
            path = target / f"{_place(record)}.html"
            text = page(record, group, uses, app.env.found_docs)
            path.write_text(text, encoding="utf-8")


@functools.cache
def all_runs(root: Path) -> tuple[list[Record], Uses]:
    """Return every run of a store, by network, width and method, and the studies that have each.

    Raises:
        RecordError: at the first broken record.
    """
    records = list(RunStore(root).records())
    wanted = {condition(record) for record in records}
    uses: dict[Config | str, list[Use]] = defaultdict(list)

    def add(wanted: set[Any], **changes: Any) -> None:
        for chapter, study in by_chapter():
            for scale in study.scales[1:]:  # smoke runs are not stored
                try:
                    configs = study.configs(scale, 1, **changes)
                except NotChosen:
                    continue  # its runs are not known
                except ConfigError:
                    if not changes:
                        raise
                    continue  # a study that cannot be changed so, as the toy, has no such run
                setting, base = study.setting.label(scale), study.setting.configs.get(scale)
                use = Use(study.name, chapter, setting, base)
                for config in configs:
                    own = config if isinstance(config, Config) else config.run_id.rpartition("-")[0]
                    if own in wanted and use not in uses[own]:
                        uses[own].append(use)

    add(wanted)
    # the others may be of a study with `--dataset` and `--epochs`
    others = {c for c in wanted if c not in uses and isinstance(c, Config)}
    for dataset, epochs in sorted({(c.dataset, c.epochs) for c in others if isinstance(c, Config)}):
        add(others, dataset=dataset, epochs=epochs)
    return sorted(records, key=_order), uses


def _place(record: Record) -> str:
    return f"{record.path.parent.name}/{record.path.stem}"


def _order(record: Record) -> tuple[Any, ...]:
    config = record.config
    if not isinstance(config, Config):
        return (record.kind, record.run_id)
    network = (config.model not in NETWORKS, config.model, config.base_channels)
    trained = (config.optimizer, config.beta, config.l1, config.rest_l1, config.epochs)
    return (config.dataset, *network, *trained, config.replace(seed=0).run_id, config.seed)


def table(records: Iterable[Record], uses: Uses) -> str:
    """Return the table of runs as HTML: whole without JavaScript."""
    rows = [_cells(run, uses) for _, run in frame(records).iterrows()]
    head = "".join(f'<th scope="col" class="{kind}">{n}</th>' for n, kind in COLUMNS.items())
    lines = []
    for place, cells in rows:
        row = (f'<td class="{k}">{cells.get(name, NONE)}</td>' for name, k in COLUMNS.items())
        lines.append(f'<tr id="{place}">{"".join(row)}</tr>')
    body = "\n".join(lines)
    return (
        '<div class="pst-scrollable-table-container"><table class="table runs">'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _cells(run: Series[Any], uses: Uses) -> tuple[str, dict[str, str]]:
    """Return the place of a run, and its cells by heading, escaped."""
    config = run.record.config
    own = uses.get(run.condition, [])
    short = run.record.run_id.partition("-")[0]
    place = escape(_place(run.record))
    link = f'<a href="runs/{place}.html">{escape(short)}</a>'
    if not isinstance(config, Config):
        return place, {"data": run.record.kind, "seed": f"{config['seed']}", "run": link}
    cells = {
        "data": config.dataset,
        "setting": own[0].setting if own else "none of the book's",
        "network": NETWORKS.get(config.model, config.model),
        "α": f"{config.base_channels}",
        "method": run.method,
        "λ": NONE if config.optimizer == "sgd" else number(config.l1),
        "epochs": f"{config.epochs}",
        "seed": f"{config.seed}",
        "accuracy (%)": f"{run.accuracy:.2f}",
        "kept (%)": f"{run.left:.2f}".replace("100.00", "100"),
    }
    if config.l1_rest is not None:
        cells["λ"] += f", {number(config.rest_l1)}"
    base = own[0].base if own and own[0].base else Config()
    differs = [n for n in changed(config, base) if n not in IN_COLUMNS]
    cells["else"] = ", ".join(f"{n.replace('_', ' ')} {_text(getattr(config, n))}" for n in differs)
    return place, {name: escape(text) for name, text in cells.items()} | {"run": link}


def title(config: Any, own: list[Use]) -> str:
    """Return what a run is, in words."""
    if not isinstance(config, Config):
        return f"Toy LASSO, {config['problems']} problems, seed {config['seed']}"
    network = "" if config.model != "s-fc" else "S-FC, "
    parts = [f"{network}{method_name(config)}"]
    parts += ["frozen zeros"] if config.frozen_zeros else []
    parts += [f"pruning {config.pruning}"] if config.pruning != "none" else []
    parts += [f"start {config.start}"] if config.start != "initial" else []
    parts += [f"α = {config.base_channels}", config.dataset, *(use.setting for use in own[:1])]
    return ", ".join([*parts, f"{config.epochs} epochs", f"seed {config.seed}"])


def changed(config: Config, base: Config | None = None) -> dict[str, Any]:
    """Return the values that differ from another configuration's, or from the defaults, by name."""
    known = defaults(type(config))
    usual = {name: getattr(base, name) for name in known} if base else known
    return {name: v for name in known if (v := getattr(config, name)) != usual[name]}


def rerun_command(config: Any, own: list[Use]) -> str:
    """Return the command that makes a run again beside the book's records; empty if there is none.

    It has an option for each value that is no default. A toy experiment is that of its study.
    """
    if not isinstance(config, Config):
        seeds = f" --seeds {config['seed'] + 1}" if config["seed"] else ""
        return f"lcs study {own[0].study}{seeds} {RERUN_STORE}" if own else ""
    words = ["lcs", "train"]
    for name, value in changed(config).items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
        else:
            words += [f"--{option}", str(value)]
    return f"{shlex.join(words)} {RERUN_STORE}"


def page(record: Record, seeds: list[Record], uses: Uses, pages: Iterable[str]) -> str:
    """Return the page of a run; `_static/run.js` draws its curves.

    `seeds` are the runs of its configuration; of the book, `pages` can be linked: `book/scaling`.
    """
    config, own = record.config, uses.get(condition(record), [])
    commands, curves = [rerun_command(config, own)], None
    if isinstance(config, Config):
        note = "# or only its first epochs, which are compared with this record"
        commands = [f"lcs data get {config.dataset}", *commands, note]
        commands.append(f"lcs runs replay {record.run_id}")
        told, weights = record.history, record.final["weights"]
        accuracies = ("train_accuracy", "test_accuracy", "validation_accuracy")
        curves = {
            "epochs": told["epoch"],
            "accuracy (%)": {
                name.removesuffix("_accuracy"): [round(100 * v, 2) for v in told[name]]
                for name in accuracies
                if name in told
            },
            "remaining weights (%)": {
                LAYERS.get(layer, layer): [float(f"{100 * v / weights[layer]:.4g}") for v in values]
                for layer, values in told["nonzeros"].items()
            },
        }
        values, usual = vars(config), defaults(Config)
    else:
        values = usual = config
    return _template().render(
        title=title(config, own),
        uses=own,
        record=record,
        seeds=seeds,
        pages=pages,
        root="../" * 3,
        place=_place(record),
        filters=record.filters["file"] if record.filters and record.has_filters else None,
        curves=json.dumps(curves).replace("<", "\\u003c") if curves else None,
        final={name: _text(value) for name, value in record.final.items()},
        commands="\n".join(commands),
        configuration=[(n, _text(values[n]), _text(v)) for n, v in usual.items()],
        origin={name.replace("_", " "): _text(value) for name, value in record.provenance.items()}
        | {"seconds": cost.duration(record.provenance["seconds"])},
    )


@functools.cache
def _template() -> jinja2.Template:
    """Return the template of a page; what records say is escaped in it."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("run.html.jinja")


def _text(value: Any) -> str:
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(item)}" for name, item in value.items())
    if isinstance(value, tuple | list):
        few = [_text(item) for item in value[:20]]
        return ", ".join(few + ["…"] * (len(value) > 20))
    return str(value)
