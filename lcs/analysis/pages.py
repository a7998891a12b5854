"""A page's parameters, and the statements of its text that its cells hold to its runs."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lcs.analysis.style import use_style
from lcs.config import Config
from lcs.data.specs import SPECS
from lcs.errors import ConfigError, LcsError, did_you_mean
from lcs.runs.numeric_core import PACKAGE
from lcs.study import SCALES

BOOK = PACKAGE.parent / "book"
# what may stand in the cell tagged `parameters`
LITERALS = (bool, int, float, str, list)
# what parameters of these names may be, wherever a chapter has them
CHOICES = {"scale": [*SCALES], "device": ["auto", "cpu", "cuda"], "dataset": [*SPECS]}
# marks the output that lists statements, which a rerun moves to the top of its page
NOT_HELD = "not-held"


class _Page:
    """Of the page that runs in this process."""

    own_runs = True  # those of the book, for which its text was written
    not_held: tuple[str, ...] = ()


def parameters(notebook: Path) -> dict[str, Any]:
    """Return names and default values of the cell that is tagged `parameters`.

    Raises:
        ConfigError: a default is not a literal.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    statements = [line for cell in tagged for line in ast.parse("".join(cell["source"])).body]
    try:
        return {
            ast.unparse(statement.targets[0]): ast.literal_eval(statement.value)
            for statement in statements
            if isinstance(statement, ast.Assign)
        }
    except ValueError:
        reason = f"{notebook.stem}: a parameter's default is not a literal"
        raise ConfigError(reason) from None


def check_parameters(chapter: str, values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Refuse a name that a chapter has no parameter of, or a value of another type.

    An int may stand for a float, a bool not for an int.

    Raises:
        ConfigError: says what the chapter has.
    """
    for name, value in values.items():
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            close = did_you_mean(name, defaults)
            raise ConfigError(f"{chapter} has no parameter {name!r}; it has: {known}{close}")
        choices = CHOICES.get(name, [value])
        if value not in choices and value != defaults[name]:
            close = did_you_mean(value, choices)
            raise ConfigError(
                f"{chapter}: {name} is one of {', '.join(choices)}, not {value!r}{close}"
            )
        if not _fits(value, default := defaults[name]):
            kind = type(default).__name__
            raise ConfigError(f"{chapter}: {name} must be {kind}, as {default!r} is; not {value!r}")


def _fits(value: object, default: object) -> bool:
    if isinstance(default, float):
        return type(value) in (int, float)
    if isinstance(default, list) and isinstance(value, list):
        return not default or all(_fits(item, default[0]) for item in value)
    return type(value) is type(default)


def start(chapter: str, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a page: check its parameters, and set the house style.

    Args:
        chapter: name of the notebook.
        namespace: the page's `globals()`, when nothing but parameters is defined.

    Returns:
        What `load_runs` takes for the study that a reader may rerun with these parameters. Those
        that are 0, "" or [] mean the book's own, since a parameter of papermill needs a type.

    Raises:
        ConfigError: as `check_parameters`, which papermill leaves to the page.
    """
    use_style()
    defaults = parameters(BOOK / f"{chapter}.ipynb")
    given = {
        name: value
        for name, value in namespace.items()
        if type(value) in LITERALS and name.islower() and not name.startswith("_")
    }
    check_parameters(chapter, given, defaults)
    # digits say nothing of a sentence, even where a new page has them for its default
    _Page.own_runs = given == defaults and given.get("scale") != "smoke"
    _Page.not_held = ()
    chosen = {name: value for name, value in given.items() if value not in (0, "", [])}
    options: dict[str, Any] = {"train": True, "changes": {}}
    for name, value in chosen.items():
        if name in ("scale", "seeds", "device"):
            options[name] = value
        elif name == "betas" or name in Config.__dataclass_fields__:
            options["changes"][name] = value
    return options


def holds(statement: str, condition: Any) -> None:
    """State that a sentence of the page, marked `% holds: statement`, is true of its runs.

    Args:
        statement: the sentence in a few words, with hyphens.
        condition: computed from the runs that the page shows.

    Raises:
        LcsError: it is false, and the runs are the book's own; else `not_held` lists it.
    """
    if bool(condition):
        return
    if _Page.own_runs:
        raise LcsError(f"{statement}: does not hold; change the sentence, or mend the numbers")
    _Page.not_held += (statement,)


def not_held() -> None:
    """List the statements that do not hold for the runs of a page; nothing where all do."""
    if not _Page.not_held:
        return
    from IPython.display import Markdown, display

    count = len(_Page.not_held)
    which = "A statement of this text does" if count == 1 else f"{count} statements of this text do"
    lines = [f"- {statement.replace('-', ' ')}" for statement in _Page.not_held]
    text = "\n".join([f":::{{warning}}\n{which} not hold for these runs:\n", *lines, ":::"])
    display(Markdown(text), metadata={"lcs": NOT_HELD})
