"""The book: its chapters, how one is executed, and how the pages are rendered.

Chapters are executed through papermill's Python API, because its command line only warns about an
unknown parameter and reads `1e-4` as a string. Pages are rendered by jupyter-book from the outputs
that the notebooks hold; rendering executes nothing. The sources are needed: an installed package
has no book.
"""

import ast
import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import nbformat
import papermill
from filelock import FileLock, Timeout
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from lcs import errors
from lcs.analysis import pages
from lcs.errors import ConfigError, LcsError, did_you_mean
from lcs.exhibits.environment import own_environment

# the project's root, where `_config.yml` and `_toc.yml` lie; notebooks run from here
ROOT = Path(__file__).resolve().parents[2]
# of README, between which the first page's text stands
START, END = "<!-- the first page: lcs book intro --update -->", "<!-- end of the first page -->"
# what a rerun page says below its title
ANEW = "Numbers, tables and figures are of these runs; the sentences were written for the book's."
# on two cores, to start a chapter's kernel, import its modules, and render its page
OVERHEAD_SECONDS = 30


def chapters() -> list[str]:
    """Names of the notebooks in the book's order, for example `table2`.

    Raises:
        ConfigError: the sources of the book are not here.
    """
    table_of_contents = ROOT / "_toc.yml"
    if not table_of_contents.exists():
        raise ConfigError("the book is not part of the installed package: run this from a clone")
    pages = re.findall(
        r"^[ -]*(?:file|root): book/(\w+)", table_of_contents.read_text(encoding="utf-8"), re.M
    )
    return [page for page in pages if (ROOT / "book" / f"{page}.ipynb").exists()]


def parameters(chapter: str) -> dict[str, object]:
    """Names and default values in the chapter's cell that is tagged `parameters`.

    Raises:
        ConfigError: unknown chapter, or a default that is not a literal.
    """
    return pages.parameters(_path(chapter))


def parse(chapter: str, words: Mapping[str, str]) -> dict[str, object]:
    """Read parameters of the command line, such as `{"seeds": "3"}`, by the types of the defaults.

    Raises:
        ConfigError: the chapter lacks a name, or a word is of another type.
    """
    defaults = parameters(chapter)
    values: dict[str, object] = {**words}
    for name, word in words.items():
        if not isinstance(defaults.get(name), str):
            literal = word.capitalize() if isinstance(defaults.get(name), bool) else word
            with contextlib.suppress(ValueError, SyntaxError):
                values[name] = ast.literal_eval(literal)
    pages.check_parameters(chapter, values, defaults)
    return values


@own_environment()
def execute(
    chapter: str, parameters: Mapping[str, object] | None = None, output: Path | None = None
) -> Path:
    """Execute a copy of the chapter and return its path.

    That is `output`, or else `_build/rerun/<chapter>/<chapter>.ipynb`.

    A parameter has the type of its default in the chapter; an int may stand for a float, a bool
    not for an int.

    Raises:
        ConfigError: an unknown name or another type, before anything runs.
        LcsError: a cell fails; its own class if that is one of `lcs.errors`.
    """
    values = dict(parameters or {})
    pages.check_parameters(chapter, values, pages.parameters(_path(chapter)))
    output = output or _rerun_folder(chapter) / f"{chapter}.ipynb"
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        papermill.execute_notebook(
            _path(chapter),
            output,
            values,
            kernel_name="python3",
            language="python",
            cwd=ROOT,
            progress_bar=False,
            stderr_file=sys.stderr,
            # without encryption of its local sockets the kernel warns on every start
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            # of an interrupted kernel it would be a traceback
            extra_arguments=["--log-level=CRITICAL"],
        )
    except PapermillExecutionError as failure:
        kind = getattr(errors, failure.ename, LcsError)
        reason = " ".join(failure.evalue.split())
        raise kind(f"{chapter}, cell {failure.exec_count}: {reason} (see {output})") from None
    except DeadKernelError:
        raise LcsError(f"{chapter}: the kernel died; is there enough memory?") from None
    except KeyboardInterrupt:  # which reached the kernel too, so that its end is no news
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        raise
    _tidy(output)
    return output


def update(chapter: str) -> Path:
    """Execute the chapter with its own defaults and store the result in its place in book/.

    It sees the book's records alone, not those of the reader's own store, nor of an update before.
    """
    with tempfile.TemporaryDirectory() as empty, mock.patch.dict(os.environ, LCS_STORE=empty):
        executed = execute(chapter, output=ROOT / "_build" / "update" / f"{chapter}.ipynb")
    path = executed.replace(_path(chapter))
    if chapter == "intro":
        write_readme()
    return path


def write_readme() -> None:
    """Write what README opens with: the first page's text up to its first section, and its figure.

    README stands between two marks; the figure lies in `book/_static`.
    """
    text, svg = first_screen()
    (ROOT / "book" / "_static" / "ladder.svg").write_text(svg, encoding="utf-8")
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{text}\n{END}{after}", encoding="utf-8")


def first_screen() -> tuple[str, str]:
    """Return the first page's text up to its first section, as plain Markdown, and its figure."""
    notebook = nbformat.read(_path("intro"), as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    glued = {
        name: ast.literal_eval(output.data["application/papermill.record/text/plain"])
        for output in outputs
        if (name := output.metadata.get("scrapbook", {}).get("name"))
    }
    (svg,) = [o.data["image/svg+xml"] for o in outputs if "image/svg+xml" in o.get("data", {})]
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            break
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif alt := cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            parts.append(f'<img src="book/_static/ladder.svg" width="100%" alt="{alt}">')
    text = "\n\n".join(parts).partition("\n")[2].strip()  # below the title
    for pattern, plain in (
        (r"^ *%.*\n", ""),
        (r"{glue:text}`([\w-]+)`", lambda found: glued[found[1]]),
        (r" ?{cite}`[^`]*`", ""),
        (r" ?\({numref}`[^`]*`\)", ""),
        (r"\[([^\]]*)\]\{[^}]*\}", r"\1"),  # classes
        (r"\]\((?=\w+\.(ipynb|md))", "](book/"),
    ):
        text = re.sub(pattern, plain, text, flags=re.MULTILINE)
    return text, svg


def rerun(chapter: str, parameters: Mapping[str, object]) -> Path:
    """Execute a copy of the chapter, render it alone, and return its page.

    All of it lies in `_build/rerun/<chapter>`: the committed notebooks and their pages stay as they
    are. The page says which parameters were given, and has the references and the records beside
    it; links to other pages become plain text.
    """
    values = dict(parameters)
    defaults = pages.parameters(_path(chapter))
    pages.check_parameters(chapter, values, defaults)
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    print(
        f"{chapter}: start-up and rendering take about {OVERHEAD_SECONDS} s, training is extra",
        file=sys.stderr,
    )
    copy = _rerun_folder(chapter)
    with _building(copy):
        executed = execute(chapter, values)
        shutil.rmtree(copy / "book", ignore_errors=True)
        shutil.copytree(ROOT / "book", copy / "book", ignore=shutil.ignore_patterns("*.ipynb"))
        page = copy / "book" / executed.name
        shutil.copy(executed, page)
        if changed:
            notebook = nbformat.read(page, as_version=4)
            given = ", ".join(f"`{name} = {value!r}`" for name, value in changed.items())
            boxes = [f":::{{warning}}\nRun anew with {given}. {ANEW}\n:::", *_not_held(notebook)]
            # below the title
            notebook.cells[1:1] = [nbformat.v4.new_markdown_cell(text) for text in boxes]
            nbformat.write(notebook, page)
        shutil.copy(ROOT / "_config.yml", copy)
        beside = [n for n in ("references", "records") if (page.parent / f"{n}.md").exists()]
        contents = ["format: jb-book", f"root: book/{chapter}", *(["chapters:"] if beside else [])]
        contents += [f"  - file: book/{name}" for name in beside]
        (copy / "_toc.yml").write_text("\n".join(contents), encoding="utf-8")
        return _build(copy) / "book" / f"{chapter}.html"


def render() -> Path:
    """Render the whole book, warnings being errors, and return its first page.

    Raises:
        ConfigError: the sources of the book are not here.
        LcsError: the book did not build; with the first warning and the place of the log.
    """
    chapters()  # refuses where the sources are missing
    with _building(ROOT):
        # -n: report references that lead nowhere
        return _build(ROOT, "-n", "-W", "--keep-going") / "index.html"


def _path(chapter: str) -> Path:
    known = chapters()
    if chapter not in known:
        close = did_you_mean(chapter, known)
        raise ConfigError(f"there is no chapter {chapter!r}; there are: {', '.join(known)}{close}")
    return ROOT / "book" / f"{chapter}.ipynb"


def _rerun_folder(chapter: str) -> Path:
    return ROOT / "_build" / "rerun" / chapter


def _not_held(notebook: nbformat.NotebookNode) -> list[str]:
    """Take the list of statements that do not hold out of the cell that shows it."""
    found = []
    for cell in notebook.cells:
        for output in [*cell.get("outputs", [])]:
            if output.get("metadata", {}).get("lcs") == pages.NOT_HELD:
                found.append(output.data["text/markdown"])
                cell.outputs.remove(output)
    return found


def _tidy(path: Path) -> None:
    """Take out what differs between two equal executions: times, versions, progress bars."""
    notebook = nbformat.read(path, as_version=4)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python", "pygments_lexer": "ipython3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": language})
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        kept: list[nbformat.NotebookNode] = []
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                continue
            if kept and output.output_type == kept[-1].output_type == "stream":
                kept[-1].text += output.text  # pieces of stdout, cut wherever the kernel flushed
            else:
                kept.append(output)
        if "outputs" in cell:
            cell.outputs = kept
    nbformat.write(notebook, path)


@contextlib.contextmanager
def _building(source: Path) -> Iterator[None]:
    """Hold the folder of a book's pages, once no other process builds or reruns there."""
    folder = source / "_build"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "book.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another build or rerun in {folder} to end", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@own_environment()
def _build(source: Path, *options: str) -> Path:
    """Render the book that lies in `source` and return the folder of its pages."""
    built, log = source / "_build" / "html", source / "_build" / "book.log"
    shutil.rmtree(built, ignore_errors=True)
    jupyter_book = Path(sysconfig.get_path("scripts")) / "jupyter-book"
    finished = subprocess.run(
        # --all: sphinx forgets the warnings of pages that it does not read again
        [jupyter_book, "build", source, "--all", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    report = re.sub(r"\x1b\[[\d;]*m", "", finished.stdout)  # the colours of a terminal
    log.write_text(report, encoding="utf-8")
    if finished.returncode:
        # the first warning or error, or else the last line of text
        lines = [line.strip() for line in report.splitlines() if re.search(r"\w", line)]
        problem = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|^[\w.]+(Error|Exception): \S")
        cause = next(filter(problem.search, lines), (lines or ["no output"])[-1])
        raise LcsError(f"the book did not build: {cause} (see {log})")
    import vl_convert

    # what draws interactive figures; in a scope of its own: the theme has names like its
    library = vl_convert.javascript_bundle()  # type: ignore[call-arg]
    (built / "_static" / "vega.js").write_text(f"(() => {{{library}}})();", encoding="utf-8")
    return built
