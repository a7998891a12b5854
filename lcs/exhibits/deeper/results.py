"""What deeper networks and other starts add: tables, a figure, numbers and claims."""

from collections.abc import Sequence

from lcs.config import Config
from lcs.exhibits.deeper.studies import FOOTPRINTS
from lcs.exhibits.shared import cells, compare, locality, plots, published, tables
from lcs.exhibits.shared.compare import ByStudy, Conditions, Reference
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.methods import B50, CONV, SGD, Method, method
from lcs.exhibits.shared.plots.style import Figure
from lcs.exhibits.shared.tables import Cell, Table
from lcs.exhibits.shared.verdicts import Claim, Finding, exceeds, ours
from lcs.runs import Record

DEEP_FC, DEEP_LOCAL = Method("d-fc"), Method("d-local")
DEEP_B50 = B50._replace(model="d-fc")
# studies of a start from S-CONV: at two widths, and with other learning rates
AT_WIDTHS = ("from-convolution", "from-convolution-wide")
FROM_CONVOLUTION = (*AT_WIDTHS, "from-convolution-first-rates")
MASKS = FOOTPRINTS | {"rewired-first-mask": "first layer's mask, rewired"}

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
    continued = started[CONV]
    return {
        "deep-n": f"{len(deep[DEEP_FC])}",
        "deep-fc": cells.lead_text(deep[DEEP_FC], deep[SGD]),
        "deep-beta": cells.gain_text(deep[DEEP_B50], deep[DEEP_FC]),
        "footprint-first-dense": cells.lead_text(first, deep[DEEP_FC]),
        "rewired-first": cells.lead_text(first, masked["rewired-first-mask"]),
        "conv-n": f"{len(started[B50])}",
        "conv-itself-gap": gap_text(anew, continued),
        **{
            f"conv-{name}-{what}": text
            for name, own in (("beta", B50), ("sgd", SGD))
            for what, text in (
                ("gain", cells.lead_text(started[own], anew[own])),
                ("adds", cells.lead_text(started[own], continued)),
                ("gap", gap_text(anew, started[own])),
            )
        },
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
        f"S-FC by {who.shortest} that starts from S-CONV is better than {text}": ours(
            AT_WIDTHS[0],
            exceeds({"start": "network", **who._asdict()}, {"start": start, **other._asdict()}),
            also=AT_WIDTHS[1:],
        )
        for who in (SGD, B50)
        for text, start, other in (
            ("from random weights, as long in all", "initial", who),
            ("S-CONV trained on for as long", "network", CONV),
        )
    },
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
