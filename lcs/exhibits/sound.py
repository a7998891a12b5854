"""Spoken digits: whether β-LASSO finds what is local in time and in frequency.

The networks are those for images; an image is a log-mel spectrogram (`lcs.data.spoken_digits`), so
that a row is a band of frequency and a column a frame of time. No speaker of the test images is
heard in training.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from lcs import measure
from lcs.config import Config
from lcs.data.batches import pixel_order
from lcs.exhibits.shared import cells, compare, locality, plots, tables
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.methods import B0, B50, CONV, LOCAL, SGD, Method, method
from lcs.exhibits.shared.plots.interactive import Interactive, interactive
from lcs.exhibits.shared.plots.style import Figure, look, pending
from lcs.exhibits.shared.searches import Rule, Search, method_key, searched
from lcs.exhibits.shared.settings import CHOSEN, SPOKEN, sized
from lcs.exhibits.shared.tables import Cell, Table
from lcs.exhibits.shared.verdicts import exceeds, exceeds_zero, ours
from lcs.runs import Record
from lcs.stats import Interval
from lcs.train.recording import STORED_FILTERS

METHODS = (SGD, B0, B50, LOCAL, CONV)
LEARNING_RATES = (0.03, 0.1, 0.3)
# weight decay of SGD, and λ of the first layer: a tenth of it in the others
DECAYS = (1e-4, 5e-4, 2e-3)
LAMBDAS = (1e-4, 3e-4, 1e-3)
STILL, SHIFTED = IMAGES = ("none", "time-shift")
# candidates of the search as good as those chosen, which come before them, with a larger η
EQUALS: dict[Method, dict[str, float]] = {
    SGD: {"lr": 0.3, "weight_decay": 5e-4},
    B50: {"lr": 0.1, "l1": 3e-4, "l1_rest": 3e-5},
}
# excess shares of `lcs.measure.locality`, in points
BANDS = {"window_mass": "in a window", "column_mass": "in nine frames", "row_mass": "in nine bands"}


STUDIES = Studies()


def _candidates(base: Config, who: Method) -> list[Config]:
    """Return a method with three learning rates and three values of weight decay or λ."""
    here, fields = sized(base, 4, 1 / 4), who._asdict()
    tried: list[dict[str, Any]] = [{"l1": l1, "l1_rest": round(l1 / 10, 9)} for l1 in LAMBDAS]
    if who.optimizer == "sgd":
        tried = [{"momentum": 0.9, "weight_decay": decay} for decay in DECAYS]
    return [here.replace(**fields, lr=rate, **more) for rate in LEARNING_RATES for more in tried]


@STUDIES.add(SPOKEN, kind=Search, rule=Rule(method_key, lambda c: {"lr": c.lr, **searched(c)}))
def search_sound(base: Config) -> list[Config]:
    """Spoken digits, on validation."""
    return [run for who in METHODS for run in _candidates(base, who)]


@STUDIES.add(SPOKEN, seeds=5, after=("search-sound",))
def sound(base: Config) -> list[Config]:
    """Spoken digits.

    Return every method as `search-sound` chose it, with and without shifts in time.
    """
    found = CHOSEN["search-sound"]
    best = [_candidates(base, who)[0].replace(**found[who.key]) for who in METHODS]
    return [run.replace(augment=images) for images in IMAGES for run in best]


@STUDIES.add(SPOKEN, seeds=5)
def sound_equals(base: Config) -> list[Config]:
    """Spoken digits, with candidates that the search found equally good.

    Return S-FC with shifts in time, trained with the last of them instead of the first.
    """
    return [
        _candidates(base, who)[0].replace(augment=SHIFTED, **values)
        for who, values in EQUALS.items()
    ]


@STUDIES.add(SPOKEN, seeds=5, after=("search-sound",))
def sound_shuffled(base: Config) -> list[Config]:
    """Spoken digits, as a table with shuffled columns.

    Return S-FC with shifts in time, on spectrograms whose pixels are all permuted in one way.
    """
    shifted = [run for run in sound(base) if run.augment == SHIFTED and run.model == "s-fc"]
    return [run.replace(permute_pixels=True) for run in shifted]


def sound_table(records: Sequence[Record], equals: Sequence[Record] = ()) -> Table:
    """Return accuracy, remaining weights and locality of each method, and of equal candidates."""
    every = [*records, *equals]
    chosen_sgd = compare.sgd_with_same(compare.conditions(records), "augment")
    columns: dict[str, Cell] = {
        "method": cells.of(lambda c: f"{method(c).shortest}, η = {c.lr:g}"),
        **cells.field_columns(["augment"]),
        "test accuracy (%)": cells.mean_text,
        "difference from SGD": cells.difference_from(compare.conditions(every), chosen_sgd),
        "remaining, layer 1 (%)": cells.remaining_text,
        **{name: partial(locality.excess_text, measure=key) for key, name in BANDS.items()},
    }
    what = (
        "Spoken digits: accuracy on speakers who are not heard in training, and excess shares of a "
        "filter's mass in its best window or band, in points, over filters with 20 weights"
    )
    note = f"{cells.PAIRED}; from SGD as the search chose it"
    return cells.by_condition(
        "sound", every, columns, what, note=note, text=["method", "augmentation"]
    )


def shuffled_table(records: Sequence[Record]) -> Table:
    """Return accuracy and locality of S-FC with shifts in time, with columns as they are, shuffled.

    Filters of the shuffled columns are measured after they are put back in order, and as trained.
    """
    shown = [r for r in records if r.config.augment == SHIFTED and r.config.model == "s-fc"]
    name, what = "tab-sound-shuffled", "Excess shares, in points, with shuffled columns"
    if not any(run.config.permute_pixels for run in shown):
        return tables.pending_table(name, what, "lcs study sound-shuffled")
    rows = []
    for who, runs in compare.by_method(shown).items():
        for shuffled, own in compare.grouped(runs, lambda config: config.permute_pixels).items():
            order = "shuffled, put back in order" if shuffled else "in order"
            measured = [locality.excess_text(own, key) for key in BANDS]
            rows.append([who.short, order, cells.mean_text(own), *measured, tables.links(own)])
            if shuffled:
                as_trained = [cells.signed_text(v, tables.NONE) for v in as_shuffled(own).values()]
                rows.append([who.short, "shuffled, as trained", *["", *as_trained, ""]])
    caption = (
        f"{what}. {cells.setting_text(shown)}; of filters as trained, over "
        f"{STORED_FILTERS} filters of one seed."
    )
    columns = ["method", "columns", "test accuracy (%)", *BANDS.values(), "seeds"]
    return Table(name, caption, columns, rows, text=["columns"])


def as_shuffled(records: Sequence[Record]) -> dict[str, Interval | None]:
    """Return by measure the excess share of stored filters in the shuffled order, in points.

    Over the filters of a run, which see the pixels in this order; None without them.
    """
    filters = next((run.load_filters() for run in records if run.has_filters), None)
    if filters is None:
        return dict.fromkeys(BANDS)
    order = pixel_order(math.prod(filters.shape[2:]))
    found = measure.locality(filters.flatten(2)[:, :, order].view_as(filters))
    values = [(found[key]["excess_mean"], found[key]["excess_ci95"]) for key in BANDS]
    n = found["filters"]
    return {
        key: Interval(100 * mean, 100 * ci95, n) if n else None
        for key, (mean, ci95) in zip(BANDS, values, strict=True)
    }


_images_text = partial(cells.field_text, field="augment")


def excess_frame(records: Sequence[Record]) -> tables.DataFrame:
    """Return excess shares by condition and measure, for `plots.excesses`.

    Candidates of `EQUALS` stand below those that were chosen, and name their learning rate.
    """
    measures = {key: f"{name} (points)" for key, name in BANDS.items()}
    ordered = sorted(records, key=lambda run: METHODS.index(method(run.config)))

    def series(config: Config) -> str:
        name, other = method(config).shortest, EQUALS.get(method(config), {})
        return f"{name}, η = {config.lr:g}" if config.lr == other.get("lr") else name

    return locality.excess_frame(ordered, _images_text, series, measures)


def accuracy_figure(records: Sequence[Record]) -> Figure:
    """Draw each method's accuracy minus that of SGD on the same images."""
    found = compare.conditions(records)
    rows = compare.forest_rows(
        found,
        compare.sgd_with_same(found, "augment"),
        partial(cells.field_text, field="method"),
        group=_images_text,
    )
    return plots.forest(rows, "difference from SGD (points)")


def rates_frame(records: Sequence[Record]) -> tables.DataFrame:
    """Return locality of S-FC's candidates in the search, by learning rate, for `rates_chart`."""
    rows = [
        {
            "method": str(method(run.config)),
            "link": tables.page(run),
            "rate": run.config.lr,
            "penalty": run.config.l1 or run.config.weight_decay,
            "time": round(time, 1),
            "frequency": round(locality.beyond_chance([run], "row_mass")[0], 1),
            "left": round(compare.remaining([run])[0], 1),
            "accuracy": round(compare.accuracies([run])[0], 1),
        }
        for run in records
        if run.config.model == "s-fc"
        and math.isfinite(time := locality.beyond_chance([run], "column_mass")[0])
    ]
    columns = ["method", "link", "rate", "penalty", "time", "frequency", "left", "accuracy"]
    return tables.data_frame(rows, columns=columns)


def rates_chart(records: Sequence[Record]) -> Figure | Interactive:
    """Return a chart of locality in time against the learning rate, by method and its λ or decay.

    The points are candidates; they say what they are, and lead to their records.
    """
    if not any(run.config.l1 for run in records):
        return pending()
    import altair as alt

    titles = {
        "rate": "learning rate η",
        "penalty": "λ or weight decay",
        "time": "excess share in nine frames (points)",
        "frequency": "in nine bands (points)",
        "left": "remaining, layer 1 (%)",
        "accuracy": "validation accuracy (%)",
    }
    about = "Locality in time of each candidate of the search, against its learning rate."
    table = rates_frame(records)
    methods = list(dict.fromkeys(table["method"]))
    colours = alt.Scale(domain=methods, range=[look(name).colour for name in methods])
    shapes = alt.Scale(domain=methods, range=["circle"] * len(methods))
    keys = alt.Legend(columns=alt.ExprRef("width < 500 ? 2 : 4"))
    chart = (
        alt.Chart(alt.Data(values=table.to_dict("records")))
        .mark_point(filled=True, size=50, opacity=0.75)
        .encode(
            x=alt.X("rate:O", title=titles["rate"], axis=alt.Axis(labelAngle=0)),
            xOffset=alt.XOffset("method:N", sort=methods),
            y=alt.Y("time:Q", title=titles["time"]),
            color=alt.Color("method:N", scale=colours, legend=keys),
            shape=alt.Shape("method:N", scale=shapes, legend=keys),
            href="link:N",
            tooltip=[
                alt.Tooltip("method:N"),
                *(alt.Tooltip(f"{name}:Q", title=title) for name, title in titles.items()),
            ],
        )
        .properties(height=320)
    )
    return interactive(chart, about)


def filters_shown(records: Sequence[Record]) -> dict[str, np.ndarray | None]:
    """Return the stored filters with shifts in time by method, low frequencies at the bottom."""
    shifted = [run for run in records if run.config.augment == SHIFTED]
    found = locality.filters_of(shifted, lambda run: method(run.config).shortest)
    shown = {name: images[:, :, ::-1] for name, images in found.items()}
    return {name.shortest: shown.get(name.shortest) for name in METHODS[:-1]}


def numbers(records: Sequence[Record], equals: Sequence[Record]) -> dict[str, str]:
    """Return what the prose says: "pending" without runs."""
    found = compare.grouped(records, lambda config: (method(config), config.augment))
    words = {
        "sound-n": f"{len(found[B50, SHIFTED])}",
        "sound-zero": cells.gain_text(found[B0, SHIFTED], found[SGD, SHIFTED]),
    }
    for key, images in {"sound-local": SHIFTED, "sound-local-still": STILL}.items():
        words[key] = cells.lead_text(found[LOCAL, images], found[SGD, images])
    for axis, key in (("time", "column_mass"), ("frequency", "row_mass")):
        words[f"sound-zero-{axis}"] = locality.excess_text(found[B0, SHIFTED], key)
    chosen, other = found[B50, SHIFTED], compare.by_method(equals)[B50]
    return {
        **words,
        "sound-chosen-time": locality.excess_text(chosen, "column_mass"),
        "sound-equal-time": locality.excess_text(other, "column_mass"),
        "sound-chosen-lead": cells.lead_text(chosen, other),
    }


# Claims


def _shifted(who: Method) -> dict[str, Any]:
    return who._asdict() | {"augment": SHIFTED}


_in_time = partial(locality.beyond_chance, measure="column_mass")

CLAIMS = {
    "On spoken digits, filters of β = 0 are local in time, beyond chance": ours(
        "sound", exceeds_zero(_shifted(B0), _in_time)
    ),
    "On spoken digits, filters of β = 0 are more local in time than in frequency": ours(
        "sound",
        exceeds_zero(
            _shifted(B0),
            lambda runs: np.subtract(
                _in_time(runs), locality.beyond_chance(runs, "row_mass")
            ).tolist(),
        ),
    ),
    **{
        f"On spoken digits, β = {who.beta:g} is better than SGD": ours(
            "sound", exceeds(_shifted(who), _shifted(SGD))
        )
        for who in (B0, B50)
    },
}
