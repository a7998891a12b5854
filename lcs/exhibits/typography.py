"""The Sphinx extension that keeps values together: no line ends within α = 8, 95 % or S-FC."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

SPACE, HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
JOINER = "\N{WORD JOINER}"  # which a search in the page ignores
# a number may stand in a node of its own, beside the text
UNBROKEN = (
    (re.compile(r"(?:(?<=\d)|^) (?=%)"), SPACE),
    (re.compile(r" ([±×]) (?=\d)"), rf"{SPACE}\1{SPACE}"),
    (re.compile(r"(?<=\b[αβληdgnk]) ([=≈<>≤≥]) (?=[\d−+]|$)"), rf"{SPACE}\1{SPACE}"),
    (re.compile(r"^ ([=≈<>≤≥]) (?=[\d−+])"), rf"{SPACE}\1{SPACE}"),
    (re.compile(r"(?<=\de)-(?=\d)"), HYPHEN),
    (re.compile(r"(?<=\b[SD3]-)(?=(?:CONV|LOCAL|FC)\b)|(?<=β-)(?=LASSO\b)"), JOINER),
)
VERBATIM = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it with Sphinx."""
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def keep_together(_: Sphinx, doctree: nodes.document, __: str) -> None:
    """Replace spaces and hyphens within values by those at which no line breaks."""
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, VERBATIM):
            continue
        shown = str(text)
        for pattern, together in UNBROKEN:
            shown = pattern.sub(together, shown)
        if shown != text:
            text.parent.replace(text, nodes.Text(shown))
