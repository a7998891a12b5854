"""The book: its chapters, how one is executed, and how the pages are rendered.

Chapters are executed through papermill's Python API, because its command line only warns about an
unknown parameter and reads `1e-4` as a string. Pages are rendered by jupyter-book from the outputs
that the notebooks hold; rendering executes nothing.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from lcs import errors
from lcs.errors import ConfigError, LcsError

ROOT = Path(__file__).resolve().parents[2]
"""The project's root, where `_config.yml` and `_toc.yml` lie; notebooks run from here."""

KERNEL = Config({"KernelManager": {"transport_encryption": "auto"}})
"""Without encryption of its local sockets the kernel warns on every start."""


def chapters() -> list[str]:
    """Names of the notebooks in the book's order, for example `table2`."""
    table_of_contents = ROOT / "_toc.yml"
    if not table_of_contents.exists():
        raise ConfigError("the book is not part of the installed package: run this from a clone")
    pages = re.findall(r"^[ -]*(?:file|root): book/(\w+)", table_of_contents.read_text(), re.M)
    return [page for page in pages if (ROOT / "book" / f"{page}.ipynb").exists()]


def parameters(chapter: str) -> dict[str, object]:
    """Names and default values in the chapter's cell that is tagged `parameters`.

    Raises `ConfigError` for an unknown chapter and for a default that is not a literal.
    """
    notebook = nbformat.read(_path(chapter), as_version=4)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assignments = [
        statement
        for cell in tagged
        for statement in ast.parse(cell.source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    ]
    try:
        return {ast.unparse(a.targets[0]): ast.literal_eval(a.value) for a in assignments}
    except ValueError:
        raise ConfigError(f"{chapter}: a parameter's default is not a literal") from None


def parse(chapter: str, words: Mapping[str, str]) -> dict[str, object]:
    """Parameters given as words, such as `{"seeds": "3"}`, as values of the declared types.

    Raises `ConfigError` for a name that the chapter lacks and for a word of another type.
    """
    defaults = parameters(chapter)
    values = {name: _read(word, defaults.get(name)) for name, word in words.items()}
    return _checked(chapter, values)


def execute(
    chapter: str, parameters: Mapping[str, object] | None = None, output: Path | None = None
) -> Path:
    """Execute a copy of the chapter and return its path (default `_build/rerun/<chapter>.ipynb`).

    A parameter has the type of its default in the chapter; an int may stand for a float, a bool
    not for an int. Raises `ConfigError` for an unknown name or another type before anything runs,
    and the chapter's own error, if it is one of `lcs.errors`, else `LcsError`, when a cell fails.
    """
    values = _checked(chapter, parameters or {})
    output = output or ROOT / "_build" / "rerun" / f"{chapter}.ipynb"
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
            config=KERNEL,
        )
    except PapermillExecutionError as failure:
        kind = getattr(errors, failure.ename, LcsError)
        reason = " ".join(failure.evalue.split())
        raise kind(f"{chapter}, cell {failure.exec_count}: {reason} (see {output})") from None
    except DeadKernelError:
        raise LcsError(f"{chapter}: the kernel died; is there enough memory?") from None
    _tidy(output)
    return output


def update(chapter: str) -> Path:
    """Execute the chapter with its own defaults and store the result in its place in book/.

    It sees the book's records alone, not those of the reader's own store, nor of an update before.
    """
    output, own = ROOT / "_build" / "update" / f"{chapter}.ipynb", os.environ.get("LCS_STORE")
    try:
        with tempfile.TemporaryDirectory() as empty:
            os.environ["LCS_STORE"] = empty
            executed = execute(chapter, output=output)
    finally:
        del os.environ["LCS_STORE"]
        if own is not None:
            os.environ["LCS_STORE"] = own
    return executed.replace(_path(chapter))


def rerun(chapter: str, parameters: Mapping[str, object]) -> Path:
    """Execute a copy of the chapter, render the book around it, and return the chapter's page.

    All of it lies in `_build/rerun`: the committed notebooks and their pages stay as they are.
    """
    executed = execute(chapter, parameters)
    copy = executed.parent
    shutil.rmtree(copy / "book", ignore_errors=True)
    shutil.copytree(ROOT / "book", copy / "book")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, copy)
    shutil.copy(executed, copy / "book")
    return _build(copy) / "book" / f"{chapter}.html"


def render() -> Path:
    """Render the whole book strictly, warnings being errors, and return its first page.

    Raises `LcsError` with the first warning and the log's place.
    """
    return _build(ROOT) / "index.html"


def _path(chapter: str) -> Path:
    known = chapters()
    if chapter not in known:
        raise ConfigError(f"there is no chapter {chapter!r}; there are: {', '.join(known)}")
    return ROOT / "book" / f"{chapter}.ipynb"


def _checked(chapter: str, given: Mapping[str, object]) -> dict[str, object]:
    defaults = parameters(chapter)
    for name, value in given.items():
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            raise ConfigError(f"{chapter} has no parameter {name!r}; it has: {known}")
        default = defaults[name]
        if not _fits(value, default):
            kind = type(default).__name__
            raise ConfigError(f"{chapter}: {name} must be {kind}, as {default!r} is; not {value!r}")
    return dict(given)


def _fits(value: object, default: object) -> bool:
    if isinstance(default, float):
        return type(value) in (int, float)
    if isinstance(default, list) and isinstance(value, list):
        return not default or all(_fits(item, default[0]) for item in value)
    return type(value) is type(default)


def _read(word: str, default: object) -> object:
    """The value that a word of the command line stands for; a word that is none stays a word."""
    if isinstance(default, str):
        return word
    try:
        return ast.literal_eval(word.capitalize() if isinstance(default, bool) else word)
    except (ValueError, SyntaxError):
        return word


def _tidy(path: Path) -> None:
    """Take out what differs between two equal executions: times, versions, progress bars."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        }
    )
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _without_stderr(cell.outputs)
    nbformat.write(notebook, path)


def _without_stderr(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs but for stderr, with neighbouring pieces of stdout joined."""
    kept: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.get("name") == "stderr":
            continue
        if kept and output.output_type == kept[-1].output_type == "stream":
            kept[-1].text += output.text
        else:
            kept.append(output)
    return kept


def _build(source: Path) -> Path:
    """Render the book that lies in `source` and return the folder of its pages."""
    pages, log = source / "_build" / "html", source / "_build" / "book.log"
    shutil.rmtree(pages, ignore_errors=True)
    log.parent.mkdir(exist_ok=True)
    jupyter_book = Path(sysconfig.get_path("scripts")) / "jupyter-book"
    # --all: sphinx forgets the warnings of pages that it does not read again
    options = ["--all", "-n", "-W", "--keep-going"]
    finished = subprocess.run(
        [jupyter_book, "build", source, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    report = re.sub(r"\x1b\[[\d;]*m", "", finished.stdout)  # the colours of a terminal
    log.write_text(report)
    if finished.returncode:
        raise LcsError(f"the book did not build: {_first_warning(report)} (see {log})")
    records = source / "book" / "runs"
    if records.exists():  # each number's link leads to the run that made it
        shutil.copytree(records, pages / "book" / "runs", dirs_exist_ok=True)
    return pages


def _first_warning(report: str) -> str:
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    return next((line for line in lines if re.search(r"WARNING|ERROR", line)), lines[-1])
