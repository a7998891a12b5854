"""The house style: a look for each method, whichever of its names it is asked by."""

import base64
import itertools
import re
from io import BytesIO

import altair as alt
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from lcs.exhibits import book
from lcs.exhibits.shared import plots
from lcs.exhibits.shared.methods import (
    B0,
    B1,
    B50,
    CONV,
    LOCAL,
    PROXIMAL,
    SGD,
    THREE,
    beta_lasso_method,
)
from lcs.exhibits.shared.plots import Differences, interactive, style
from lcs.exhibits.shared.plots.weights import FRAME, as_image
from lcs.exhibits.table2 import BETAS

METHODS = [CONV, LOCAL, THREE, SGD, PROXIMAL, *map(beta_lasso_method, BETAS)]


def _lightness(colour):
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_every_name_of_a_method_has_the_same_look(method):
    names = {str(method), method.short, method.shortest, f"over {method.shortest}"}
    assert {style.look(name) for name in names} == {style.look(method)}
    assert re.fullmatch("#[0-9A-F]{6}", style.colour(method))


def test_no_two_methods_have_one_colour_and_networks_have_markers():
    assert len({style.colour(method) for method in METHODS}) == len(METHODS)
    assert len({style.look(method).marker for method in (CONV, LOCAL, THREE, SGD)}) == 4
    assert {style.look(method).marker for method in (SGD, PROXIMAL, B0, B1, B50)} == {"o"}
    assert style.look("S-LOCAL") == style.look(LOCAL)


def test_a_variant_is_lighter_than_its_method():
    for name in ("β-LASSO, β = 0, λ = 2e-5", "S-LOCAL, SGD, no augmentation", "βλ = 0.001"):
        first = "β = 50" if name.startswith("βλ") else name.rsplit(", ", 1)[0]
        assert _lightness(style.colour(name)) > _lightness(style.colour(first))
        assert style.look(name).marker == style.look(first).marker


@pytest.mark.parametrize("name", ["", "SGDs", "S-FCC, SGD", "over", "α = 8"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(ValueError, match="no method's name"):
        style.look(name)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_shades_go_from_light_to_dark(count):
    light = [_lightness(shade) for shade in style.shades(B50, count)]
    assert len(light) == count
    assert all(one > other for one, other in itertools.pairwise(light))


def test_colours_stand_in_the_style_alone():
    literal = re.compile(r"""["'](#[0-9a-fA-F]{6}|C\d|tab:\w+)["']|color_palette\("(?!Blues)""")
    found = [p.name for p in (book.ROOT / "lcs").rglob("*.py") if literal.search(p.read_text())]
    assert found == ["style.py"]


# Forest plots


def test_a_forest_has_a_dot_for_each_seed_and_a_bar_from_three_on():
    rows = [
        Differences("few", "over SGD", [1.0, 2.0]),
        Differences("more", "over SGD", [1.0, 2.0, 3.0]),
        Differences("more", "over β = 0", [-1.0, 0.0, 1.0, 0.0]),
    ]
    (axes,) = plots.forest(rows, "points").axes
    dots = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert [list(line.get_xdata()) for line in dots] == [row.values for row in rows]
    bars = [container.lines[2][0].get_segments()[0] for container in axes.containers]
    assert [segment[:, 0].mean() for segment in bars] == [2.0, 0.0]
    assert np.ptp(bars[0][:, 0]) == pytest.approx(2 * 4.303 / 3**0.5, rel=1e-3)  # Student's t
    assert [text.get_text() for text in axes.get_yticklabels()] == ["few", "more"]
    assert {"2", "3 / 4"} <= {text.get_text() for text in axes.texts}


def test_a_forest_names_its_groups_once():
    rows = [Differences("one", "over SGD", [1.0], group) for group in ("here", "there")]
    rows.append(Differences("two", "over SGD", [2.0], "here"))
    (axes,) = plots.forest(rows, "points").axes
    assert [text.get_text() for text in axes.texts].count("there") == 1
    assert [text.get_text() for text in axes.get_yticklabels()] == ["", "one", "two", "", "one"]


def _svg():
    figure, axes = style.subplots(figsize=(style.PAGE_WIDTH, 2))
    axes.plot([0, 1 / 3], [0.00012345, 2 / 3], label="β = 0.0001")
    style.add_legend(figure, axes, columns=1)
    return style.as_svg(figure)


def test_a_figure_is_svg_with_the_same_bytes_every_time():
    plots.use_style()
    try:
        first, second = _svg(), _svg()
    finally:
        plt.rcdefaults()
    assert first == second
    assert ">β = 0.0001<" in first, "text is text, and not rounded"
    assert "<path" in first
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


def test_zero_has_no_sign():
    figure = plt.figure()
    ends = [0.2, -1e-5 / figure.get_dpi()]
    figure.add_artist(plt.Line2D(ends, ends, transform=figure.dpi_scale_trans))
    figure.add_axes((0.1 + 0.2, 0.1, 0.4, 0.4)).plot([0, 1], [0, 1])
    svg = style.as_svg(figure)
    assert not re.search(r"-0(\.0+)?[ )\"]", svg)


def test_filters_are_shown_with_two_pixels_for_each_weight():
    noise = np.random.default_rng(0).normal(size=(13, 3, 32, 32))
    figure = plots.filters({"one": noise, "other": noise[:3], "pending": None})
    assert [text.get_text() for text in figure.texts] == ["one", "other", "pending"]
    svg = style.as_svg(figure)
    images = re.findall(r"<image [^>]*>", svg)
    assert len(images) == 8 + 3
    assert all("image-rendering" in image for image in images)
    # in points, of which 3 are 4 pixels
    scales = [re.search(r"matrix\((\S+) 0 0 (\S+) ", image).groups() for image in images]
    assert set(scales) == {("1.5", "1.5")}


def test_a_chart_is_the_same_every_time_and_its_data_cannot_end_its_script():
    data = alt.Data(values=[{"x": 1, "run": "</script>"}])
    chart = interactive.interactive(alt.Chart(data).mark_point().encode(x="x:Q"), "Runs.")
    page = chart._repr_html_()
    assert page == chart._repr_html_()
    assert page.count("</script>") == 1
    assert 'alt="Runs." src="data:image/svg+xml;base64,' in page


def test_a_slider_shows_the_filters_of_one_group_at_a_time():
    draws = np.random.default_rng(0)
    groups = {name: (draws.normal(size=(9, 3, 8, 8)), f"{name}!") for name in ("a", "b")}
    chart = interactive.filters_slider(groups, "data", "Filters.", switch="b")
    frames = chart.spec["data"]["values"]
    assert [row["frame"] for row in frames] == [0, 1]
    with Image.open(BytesIO(base64.b64decode(frames[1]["image"].partition(",")[2]))) as file:
        sheet = np.asarray(file)[::2, ::2]
    assert sheet.shape == (19, 55, 3), "two rows of six, and frames around them"
    second = groups["b"][0][1]
    expected = np.round(255 * drawn(second))
    assert np.array_equal(sheet[1:9, 10:18], expected)
    assert (sheet[[0, 9]] == round(255 * FRAME)).all()
    assert (sheet[10:, 28:] == 255).all(), "three filters in the second row"


def drawn(filter_):
    """Zero is the middle grey, the largest weight black or white."""
    return (0.5 + 0.5 * filter_ / np.abs(filter_).max()).transpose(1, 2, 0)


def test_zero_is_grey_in_a_filter_and_a_pixel_without_weights_white():
    image = as_image(np.array([[[0.0, -2.0], [1.0, 0.0]], *[[[0.0, -2.0], [0.0, 0.0]]] * 2]))
    assert image.shape == (2, 2, 3)
    assert image[0, 0].tolist() == [1.0] * 3
    assert image[0, 1].tolist() == [0.0] * 3
    assert image[1, 0].tolist() == [0.75, 0.5, 0.5]


def test_a_filter_of_one_channel_is_red_above_zero_and_blue_below():
    image = as_image(np.array([[[0.0, -2.0], [1.0, 2.0]]]))
    assert image.tolist() == [[[1, 1, 1], [0, 0, 1]], [[1, 0.5, 0.5], [1, 0, 0]]]
