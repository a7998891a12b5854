"""What the book's text looks like where lines end."""

import pytest
from docutils import nodes

from lcs.exhibits.typography import HYPHEN, JOINER, SPACE, keep_together


def shown(*children):
    paragraph = nodes.paragraph("", "", *children)
    document = nodes.document(None, None)
    document += paragraph
    keep_together(None, document, "page")
    return paragraph.astext()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at α = 8, 95 % of 3", f"at α{SPACE}={SPACE}8, 95{SPACE}% of 3"),
        ("of 9 × 9 pixels", f"of 9{SPACE}×{SPACE}9 pixels"),
        ("λ = 2e-5 or 5e-06", f"λ{SPACE}={SPACE}2e{HYPHEN}5 or 5e{HYPHEN}06"),
        ("by β-LASSO's step", f"by β-{JOINER}LASSO's step"),
        ("S-FC, D-CONV's, 3-FC", f"S-{JOINER}FC, D-{JOINER}CONV's, 3-{JOINER}FC"),
        ("a = b, US-FCC, x = 3 and one-shot", "a = b, US-FCC, x = 3 and one-shot"),
    ],
)
def test_no_line_ends_within_a_value(text, expected):
    assert shown(nodes.Text(text)) == expected


def test_numbers_in_nodes_of_their_own_stay_with_their_text():
    number = nodes.inline("", "8")
    found = shown(nodes.Text("with α = "), number, nodes.Text(" % of them"))
    assert found == f"with α{SPACE}={SPACE}8{SPACE}% of them"
    assert shown(nodes.literal("", "β = 50 and 1e-4")) == "β = 50 and 1e-4", "code stays"
