"""The house style: a look for each method, whichever of its names it is asked by."""

import re

import altair as alt
import matplotlib.pyplot as plt
import numpy as np
import pytest

from lcs.analysis import interactive, style
from lcs.exhibits import book

METHODS = [
    *("S-CONV", "S-LOCAL", "3-FC", "plain SGD", "tuned SGD", "proximal ℓ1", "plain ℓ1", "β-LASSO"),
    *(f"β-LASSO, β = {beta}" for beta in (1, 2, 5, 10, 20, 100, 200)),
]


def _lightness(colour):
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_no_two_methods_have_one_colour_and_networks_have_markers():
    assert len({style.colour(method) for method in METHODS}) == len(METHODS)
    assert len({style.look(method).marker for method in METHODS[:4]}) == 4
    assert {style.look(method).marker for method in METHODS[3:]} == {"o"}
    assert style.look("S-LOCAL, SGD") == style.look("S-LOCAL")
    assert style.look("β-LASSO") == style.look("β = 50") == style.look("over β-LASSO")
    with pytest.raises(ValueError, match="no method's name"):
        style.look("S-FCC, SGD")


def test_a_variant_is_lighter_than_its_method():
    for name in ("β-LASSO, β = 0, λ = 2e-5", "S-LOCAL, SGD, no augmentation", "βλ = 0.001"):
        first = "β = 50" if name.startswith("βλ") else name.rsplit(", ", 1)[0]
        assert _lightness(style.colour(name)) > _lightness(style.colour(first))
        assert style.look(name).marker == style.look(first).marker


def test_shades_go_from_light_to_dark():
    light = [_lightness(shade) for shade in style.shades("β-LASSO", 5)]
    assert light == sorted(light, reverse=True)
    assert style.shades("β-LASSO", 1) == [style.colour("β-LASSO")]


def test_colours_stand_in_the_style_alone():
    literal = re.compile(r"""["'](#[0-9a-fA-F]{6}|C\d|tab:\w+)["']|color_palette\("(?!Blues)""")
    found = [p.name for p in (book.ROOT / "lcs").rglob("*.py") if literal.search(p.read_text())]
    assert found == ["style.py"]


def test_a_figure_is_svg_with_the_same_bytes_every_time():
    def svg():
        figure, axes = style.subplots(figsize=(style.PAGE_WIDTH, 2))
        axes.plot([0, 1 / 3], [0.00012345, 2 / 3], label="β = 0.0001")
        style.add_legend(figure, axes, columns=1)
        return style.as_svg(figure)

    style.use_style()
    try:
        first, second = svg(), svg()
    finally:
        plt.rcdefaults()
    assert first == second
    assert ">β = 0.0001<" in first, "text is text, and not rounded"
    assert not re.search(r' d="[^"]*\.\d{3}', first)
    assert not re.search(r"dc:date|20\d\d-\d\d", first)


def test_shapes_are_numbered_so_that_the_last_digits_of_a_place_do_not_matter():
    def svg(left: float, height: float = 0.4) -> str:
        figure = plt.figure()
        axes = figure.add_axes((left, 0.1, 0.4, height))
        axes.plot([0, 1], [0, 1], "o-")
        axes.imshow(np.eye(2))
        return style.as_svg(figure)

    def shapes(text: str, mark: str) -> set[str]:
        return set(re.findall(rf"{mark}(s[0-9a-f]{{8}}-\d+)", text))

    first, second, other = svg(0.3), svg(0.1 + 0.2), svg(0.3, 0.5)
    assert first == second
    assert len(shapes(first, 'id="')) > 2
    assert shapes(first, "#") <= shapes(first, 'id="'), "what is used is there"
    assert not shapes(first, 'id="') & shapes(other, 'id="'), "in one document"


def test_a_chart_is_the_same_every_time_and_its_data_cannot_end_its_script():
    data = alt.Data(values=[{"x": 1, "run": "</script>"}])
    chart = interactive.interactive(alt.Chart(data).mark_point().encode(x="x:Q"), "Runs.")
    page = chart._repr_html_()
    assert page == chart._repr_html_()
    assert page.count("</script>") == 1
    assert 'alt="Runs." src="data:image/svg+xml;base64,' in page
