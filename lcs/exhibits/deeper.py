"""Depth, and starts from trained networks: a convolution, and the mask of a first layer.

S-FC that starts from a trained S-CONV (d'Ascoli et al., 2019), deep networks, as a reviewer asked,
and D-FC with masks made from a first layer that β = 50 has trained.
"""

import itertools
from collections.abc import Mapping, Sequence
from functools import partial

from lcs.config import Config
from lcs.exhibits.shared import cells, compare, locality, plots, published, tables
from lcs.exhibits.shared.compare import ByStudy, Conditions, Reference
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.methods import B50, CONV, SGD, SHALLOW, Method, method
from lcs.exhibits.shared.plots.style import Figure
from lcs.exhibits.shared.searches import Rule, Search, network_key
from lcs.exhibits.shared.settings import (
    CHOSEN,
    FLIP_CROP,
    FLIP_CROP_SHORT,
    chosen,
    flip_crop_methods,
    sized,
)
from lcs.exhibits.shared.tables import Cell, Table
from lcs.exhibits.shared.verdicts import Claim, Finding, exceeds, ours
from lcs.runs import Record

# of the runs that start from S-CONV, and of the deep ones
WIDTH, WIDE, DEEP_WIDTH = 2, 8, 1
FROM_CONVOLUTION = ("from-convolution", "from-convolution-wide")
# candidates for every network, deep or not: η, and weight decays of SGD or shares of λ of β = 50
RATES, DECAYS, DEEP_SHARES = (0.03, 0.1, 0.3), (5e-4, 2e-3), (0.1, 0.3)
L1_RATES = (0.1, 0.3, 1.0)  # of β = 50, which has no momentum
DEEP = ("d-conv", "d-local", "d-fc")
DEEP_FC, DEEP_LOCAL = Method("d-fc"), Method("d-local")
DEEP_B50 = B50._replace(model="d-fc")
# what D-FC by SGD takes of D-FC by β = 50, and what tables call it
FOOTPRINTS = {
    "footprints": "first layer's footprints",
    "scattered-footprints": "the same, scattered",
    "first-mask": "first layer's mask alone",
}
MASKS = FOOTPRINTS | {"rewired-first-mask": "first layer's mask, rewired"}

STUDIES = Studies()
_study = partial(STUDIES.add, setting=FLIP_CROP_SHORT)


# A start from S-CONV


_network_or_source = Rule(lambda c: network_key(c) if c.source else "S-CONV", lambda c: c.lr)


def _started_at(rates: Mapping[str, Sequence[float]], here: list[Config]) -> list[Config]:
    """Return S-CONV, the first of some runs, and each of them from it, at an optimizer's rates."""
    started = [run.replace(start="network", source=here[0].as_source) for run in here]
    return [here[0], *(run.replace(lr=lr) for run in started for lr in rates[run.optimizer])]


@_study(kind=Search, rule=_network_or_source)
def search_convolution(base: Config) -> list[Config]:
    """From S-CONV, on validation."""
    rates = {"sgd": (1.0, 0.3, 0.1, 0.01), "beta-lasso": (3.0, 1.0, 0.3, 0.1)}
    return _started_at(rates, flip_crop_methods(sized(base, WIDTH, 1 / 8), SHALLOW, [50]))


@STUDIES.add(FLIP_CROP, kind=Search, rule=_network_or_source)
def search_convolution_wide(base: Config) -> list[Config]:
    """From S-CONV at α = 8, on validation."""
    rates = {"sgd": (0.1, 0.03, 0.01), "beta-lasso": (1.0, 0.3, 0.1)}
    return _started_at(rates, flip_crop_methods(sized(base, WIDE, 1 / 4), SHALLOW[::2], [50]))


def _from_convolution(here: list[Config], whole: list[Config], search: str) -> list[Config]:
    """Return S-CONV, some runs from it for as long, and those that are as long in all."""
    found = CHOSEN[search]
    started = [
        run.replace(start="network", source=here[0].as_source, lr=found[network_key(run)])
        for run in here
    ]
    return [here[0], *started, *whole]


@_study(after=("search-convolution",))
def from_convolution(base: Config) -> list[Config]:
    """A start from S-CONV."""
    half, whole = (
        flip_crop_methods(sized(base, WIDTH, length), SHALLOW, [50]) for length in (1 / 8, 1 / 4)
    )
    return _from_convolution(half, whole, "search-convolution")


def _at_width_8(base: Config, search: str) -> list[Config]:
    """Return a start from S-CONV with the learning rates of a search; S-LOCAL only without it."""
    half = flip_crop_methods(sized(base, WIDE, 1 / 4), SHALLOW[::2], [50])
    whole = flip_crop_methods(sized(base, WIDE, 1 / 2), SHALLOW, [50])
    return _from_convolution(half, whole, search)


@STUDIES.add(FLIP_CROP, after=("search-convolution-wide",))
def from_convolution_wide(base: Config) -> list[Config]:
    """A start from S-CONV at α = 8."""
    return _at_width_8(base, "search-convolution-wide")


@STUDIES.add(FLIP_CROP, after=("search-convolution",))
def from_convolution_first_rates(base: Config) -> list[Config]:
    """A start from S-CONV at α = 8, with the learning rates that were chosen at α = 2."""
    return _at_width_8(base, "search-convolution")


# Deep networks


def _sparse(here: Config, model: str, lr: float, share: float) -> Config:
    run = chosen(here.replace(momentum=0.0), "s-fc", "beta-lasso", 50, share=share)
    return run.replace(model=model, lr=lr)


def _deep_values(config: Config) -> dict[str, float]:
    """Return what `search-deeper` varies: η, and weight decay or the share of λ."""
    if config.optimizer == "sgd":
        return {"lr": config.lr, "weight_decay": config.weight_decay}
    return {"lr": config.lr, "share": round(config.l1 / CHOSEN["search"][B50.key]["l1"], 9)}


@_study(kind=Search, rule=Rule(network_key, _deep_values))
def search_deeper(base: Config) -> list[Config]:
    """Deep networks, on validation."""
    here = sized(base, DEEP_WIDTH, 1 / 8).replace(momentum=0.9)
    plain = [
        here.replace(model=model, lr=lr, weight_decay=decay)
        for model, lr, decay in itertools.product((*DEEP, *SHALLOW), RATES, DECAYS)
    ]
    sparse = [
        _sparse(here, *candidate)
        for candidate in itertools.product(("d-fc", "s-fc"), L1_RATES, DEEP_SHARES)
    ]
    return [*plain, *sparse]


@_study(after=("search-deeper",))
def deeper(base: Config) -> list[Config]:
    """Deep networks."""
    here, found = sized(base, DEEP_WIDTH, 1 / 8).replace(momentum=0.9), CHOSEN["search-deeper"]
    plain = [here.replace(model=name, **found[f"{name} sgd"]) for name in (*DEEP, *SHALLOW)]
    sparse = [_sparse(here, name, **found[f"{name} beta-lasso"]) for name in ("d-fc", "s-fc")]
    return [*plain, *sparse]


@_study(after=("search-deeper",))
def deeper_long(base: Config) -> list[Config]:
    """D-FC for as long as finding a mask and training with it take together."""
    dense = next(run for run in deeper(base) if run.model == "d-fc")
    return [dense.replace(epochs=2 * dense.epochs)]


@_study(
    kind=Search,
    rule=Rule(lambda c: network_key(c) if c.source else "source", _deep_values),
    after=("search-deeper",),
)
def search_footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints, on validation."""
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    started = plain.replace(start="footprints", source=sparse.as_source)
    grid = itertools.product(RATES, DECAYS)
    return [sparse, *(started.replace(lr=lr, weight_decay=decay) for lr, decay in grid)]


@_study(after=("search-deeper", "search-footprints"))
def footprints(base: Config) -> list[Config]:
    """Deep networks with the first layer's footprints."""
    plain, sparse = (run for run in deeper(base) if run.model == "d-fc")
    own = plain.replace(**CHOSEN["search-footprints"][network_key(plain)])
    return [sparse, *(own.replace(start=s, source=sparse.as_source) for s in FOOTPRINTS)]


@_study(after=("search-deeper", "search-footprints"))
def rewired_first_mask(base: Config) -> list[Config]:
    """Deep networks with the first layer's mask, rewired."""
    sparse, *started = footprints(base)
    (own,) = (run for run in started if run.start == "first-mask")
    return [sparse, own.replace(start="rewired-first-mask")]


# Tables and figures

# columns of the tables below
NETWORK: dict[str, Cell] = {"network": cells.of(lambda config: str(method(config)))}
OUTCOME: dict[str, Cell] = {"training accuracy (%)": cells.fit_text, **locality.RESULTS}


def shallow_of(deep: Method) -> Method:
    """Return the method with the shallow network of its kind."""
    return deep._replace(model=deep.model.replace("d-", "s-"))


def from_convolution_table(runs: ByStudy) -> Table:
    """Return S-CONV, what was trained on from it, and the same networks from random weights."""
    records = compare.joined(runs, FROM_CONVOLUTION)
    found = compare.conditions(records)

    def from_random_weights(config: Config) -> Config:
        own = method(config), config.base_channels, 2 * config.epochs
        alike = (c for c in found if (method(c), c.base_channels, c.epochs) == own)
        return next(alike, config) if config.source else config

    columns: dict[str, Cell] = {
        **cells.field_columns(["base_channels"]),
        **NETWORK,
        "starts from": cells.of(lambda config: "S-CONV" if config.source else tables.NONE),
        **cells.field_columns(["epochs", "lr"]),
        "over the same from random weights": cells.difference_from(found, from_random_weights),
        **locality.RESULTS,
    }
    what = "Trained on from S-CONV, and from random weights"
    return cells.by_condition("from-convolution", records, columns, what, text=("starts from",))


def deeper_table(records: Sequence[Record]) -> Table:
    """Return the deep and the shallow networks, and what depth adds to each."""
    found = compare.conditions(records)
    columns: dict[str, Cell] = {
        **NETWORK,
        **cells.field_columns(["lr", "weight_decay", "l1"]),
        "over the shallow one (points)": cells.difference_from(found, to_shallow(found)),
        "in the paper (points)": cells.of(
            lambda config: tables.published(published_gains().get(method(config)))
        ),
        **OUTCOME,
    }
    what = "Deep and shallow networks; in the paper: at its width, after "
    return cells.by_condition("deeper", records, columns, f"{what}{published.SHORT_EPOCHS} epochs")


def masks_table(records: Sequence[Record]) -> Table:
    """Return D-FC with masks made from the first layer of another, and without."""
    found = compare.conditions(records)
    dense = [c for c in found if method(c) == DEEP_FC and not c.source]
    shortest = min(dense, key=lambda config: config.epochs, default=None)
    columns: dict[str, Cell] = {
        **NETWORK,
        "masks": cells.of(lambda config: MASKS.get(config.start, tables.NONE)),
        "later layers (%)": later_text,
        **cells.field_columns(["epochs"]),
        "over dense D-FC (points)": cells.difference_from(found, lambda own: shortest or own),
        **OUTCOME,
    }
    what = "D-FC with masks made from the first layer of another; differences from dense D-FC"
    what += f" of {shortest.epochs} epochs" if shortest else ""
    return cells.by_condition("footprints", records, columns, what, text=["masks"])


def to_shallow(found: Conditions) -> Reference:
    """Return the reference to the shallow network of a deep one, trained alike."""
    own = {method(config): config for config in found}
    return lambda config: own.get(shallow_of(method(config)), config)


def published_gains() -> dict[Method, str]:
    """Return what depth adds in the paper, by SGD, in points."""
    return {
        deep: tables.minus(f"{accuracy - published.SHORT[shallow_of(deep)]:+.2f}")
        for deep, accuracy in published.DEEP.items()
    }


def later_text(runs: Sequence[Record]) -> str:
    """Return how much remains of the convolution-like layers after the first, in per cent."""
    names = {name for name in runs[0].final["weights"] if name.startswith("conv")} - {"conv1"}
    kept, whole = (
        sum(run.final[what][name] for run in runs for name in names)
        for what in ("nonzeros", "weights")
    )
    return f"{100 * kept / whole:.1f}" if whole else tables.NONE


def deeper_figure(records: Sequence[Record]) -> Figure:
    """Draw what depth adds to each network's accuracy."""
    found = compare.conditions(records)
    rows = compare.forest_rows(found, to_shallow(found), lambda config: str(method(config)))
    return plots.forest(rows, "gain in test accuracy by depth (points)")


# Numbers and claims


def numbers(found: ByStudy) -> dict[str, str]:
    """Return the numbers of the prose, in points; "pending" without runs."""
    deep = compare.by_method(found["deeper"])
    masked = compare.grouped(
        [*found["footprints"], *found["rewired-first-mask"]], lambda config: config.start
    )
    first = masked["first-mask"]
    wide = compare.grouped(found["from-convolution-wide"], lambda config: config.start)
    started, anew = (compare.by_method(wide[start]) for start in ("network", "initial"))
    return {
        "deep-n": f"{len(deep[DEEP_FC])}",
        "deep-fc": cells.lead_text(deep[DEEP_FC], deep[SGD]),
        "deep-beta": cells.gain_text(deep[DEEP_B50], deep[DEEP_FC]),
        "footprint-first-dense": cells.lead_text(first, deep[DEEP_FC]),
        "rewired-first": cells.lead_text(first, masked["rewired-first-mask"]),
        "conv-n": f"{len(started[B50])}",
        "conv-gain": cells.lead_text(started[B50], anew[B50]),
        "conv-over": cells.lead_text(started[B50], started[CONV]),
        "conv-gap": gap_text({**anew, B50: started[B50]}),
    }


def _depth_does_not_help(records: list[Record]) -> Finding:
    """Return what depth adds to LOCAL and FC, by SGD.

    There is no verdict: the claim is of 4000 epochs, and after 400 depth helps LOCAL in the paper
    too. D-FC and S-FC, which the paper has of one size, are not of one size here.
    """
    groups = compare.by_method(records)
    local, full = (
        tables.signed(compare.paired(groups[deep], groups[shallow_of(deep)]))
        for deep in (DEEP_LOCAL, DEEP_FC)
    )
    value = f"depth adds {local} points to LOCAL (to FC, with more weights, {full})"
    return Finding(value, said="not testable: the claim is of longer training")


CLAIMS = {
    "Without weight sharing, depth does not help": Claim(
        "P", "deeper", _depth_does_not_help, "Table 1"
    ),
    **{
        f"S-FC by {name} is better from S-CONV than from random weights, as long in all": ours(
            FROM_CONVOLUTION[0],
            exceeds({"start": "network", **who._asdict()}, {"start": "initial", **who._asdict()}),
            also=FROM_CONVOLUTION[1:],
        )
        for name, who in {"SGD": SGD, "β = 50": B50}.items()
    },
    "S-FC by β = 50, from S-CONV, is better than S-CONV trained on for as long": ours(
        FROM_CONVOLUTION[0],
        exceeds({"start": "network", **B50._asdict()}, {"start": "network", **CONV._asdict()}),
        also=FROM_CONVOLUTION[1:],
    ),
    **{
        f"In D-FC by SGD, footprints of the first layer in later ones are better than {text}": ours(
            "footprints", exceeds({"start": "footprints"}, {"start": start})
        )
        for start, text in (
            ("scattered-footprints", "scattered ones"),
            ("first-mask", "all of their weights"),
        )
    },
    "D-FC by SGD is better with the first layer's mask of β = 50 than with this mask rewired": ours(
        "footprints + rewired-first-mask",
        exceeds({"start": "first-mask"}, {"start": "rewired-first-mask"}),
    ),
    "In D-FC, β = 50 is better than SGD": ours("deeper", exceeds(DEEP_B50, DEEP_FC)),
    "With β = 50, D-FC is better than S-FC": ours("deeper", exceeds(DEEP_B50, B50)),
}
