"""What a sparse network found on one data set is worth on another: its masks and its weights.

S-FC with SGD starts from masks or weights of a network that β = 50 or SGD trained on the same or
the other of two data sets (`lcs.models.transfer`), and is compared with networks that start from
random weights.
"""

from collections.abc import Iterable, Sequence

from lcs.config import Config
from lcs.exhibits.shared import cells, compare, locality, plots
from lcs.exhibits.shared.compare import ByStudy, Groups
from lcs.exhibits.shared.declare import Studies
from lcs.exhibits.shared.gap import gap_text
from lcs.exhibits.shared.methods import B50, LOCAL, SGD, dataset_name, method
from lcs.exhibits.shared.plots.style import Figure
from lcs.exhibits.shared.settings import (
    FLIP_CROP,
    FLIP_CROP_SHORT,
    flip_crop_methods,
    local_mask,
    sized,
)
from lcs.exhibits.shared.tables import PENDING, Cell, Table
from lcs.exhibits.shared.verdicts import MARGIN, Which, equals, exceeds, ours
from lcs.runs import Record

ORIGINS = ("cifar10", "cifar100")
# what is taken of the source, in the order of the pages
TAKEN = {
    "ticket": "masks and their initial weights",
    "mask": "masks",
    "first-mask": "first layer's mask",
    "rewired-mask": "masks, rewired",
    "random-mask": "masks, random",
    "frozen-first-layer": "first layer, frozen",
    "first-layer": "first layer",
}
# what `start_name` calls some of them, or the lack of one
MASKS, REWIRED, FROZEN = (TAKEN[name] for name in ("mask", "rewired-mask", "frozen-first-layer"))
FROZEN_OF_SGD = f"{FROZEN}, by SGD"
NOTHING = SGD.short
# taken of the same data set too, and of a network trained by SGD too
OWN, OF_SGD = ("ticket", "mask"), ("frozen-first-layer", "first-layer")
# the studies at α = 1, and that at α = 4
NARROW, WIDER = ("transfer", "transfer-windows"), "transfer-wider"


STUDIES = Studies()


def _runs(here: Config, taken: Iterable[str]) -> list[Config]:
    """Return for each data set what starts from random weights, and from networks of both sets."""
    plain, local, sparse = flip_crop_methods(here, ("s-fc", "s-local"), [50])
    names = ORIGINS if here.dataset in ORIGINS else (here.dataset,)
    runs = []
    for name in names:
        runs += [run.replace(dataset=name) for run in (plain, sparse, local)]
        runs += [
            plain.replace(
                dataset=name, start=start, source=trained.replace(dataset=origin).as_source
            )
            for origin in sorted(names, key=lambda origin: origin != name)
            for trained in (sparse, plain)
            for start in taken
            if (start in OWN or origin != name) and (start in OF_SGD or trained is sparse)
        ]
    return runs


@STUDIES.add(FLIP_CROP_SHORT)
def transfer(base: Config) -> list[Config]:
    """Transfer between data sets."""
    return _runs(sized(base, 1, 1 / 8), TAKEN)


@STUDIES.add(FLIP_CROP_SHORT)
def transfer_windows(base: Config) -> list[Config]:
    """S-LOCAL's windows as a fixed mask of S-FC, on both data sets."""
    plain = next(run for run in _runs(sized(base, 1, 1 / 8), ()) if run.model == "s-fc")
    names = ORIGINS if plain.dataset in ORIGINS else (plain.dataset,)
    return [plain.replace(dataset=name, **local_mask(base)) for name in names]


@STUDIES.add(FLIP_CROP)
def transfer_wider(base: Config) -> list[Config]:
    """Transfer between data sets at α = 4, 200 epochs."""
    taken = ("mask", "first-mask", "rewired-mask", "frozen-first-layer")
    return _runs(sized(base, 4, 1 / 2), taken)


def source_dataset(config: Config) -> str:
    """Return the data set of the network that a run starts from; "" if it starts from none."""
    return config.source.partition("/")[0] if config.source else ""


def start_name(config: Config) -> str:
    """Name what a run starts from, or how it was trained from random weights."""
    if config.pruning == "windows":
        return "S-LOCAL's windows as a mask"
    if config.source is None:
        return method(config).short
    return TAKEN[config.start] + ("" if is_sparse(config) else ", by SGD")


def start_text(config: Config) -> str:
    """Say what a run starts from, and whose that is."""
    if config.source is None:
        return start_name(config)
    own, other = config.dataset, source_dataset(config)
    whose = "its own" if other == own else f"{dataset_name(other)}'s"
    return f"{whose} {start_name(config)}"


def is_sparse(config: Config) -> bool:
    """Whether the network that a run starts from was trained by β = 50, and not by SGD."""
    return "-beta-lasso-" in (config.source or "")


def transfer_table(study: str, records: Sequence[Record]) -> Table:
    """Return accuracy, remaining weights and locality by data set and start, of a study."""
    found = compare.conditions(records)
    sparse = {config.dataset: config for config in found if method(config) == B50}
    columns: dict[str, Cell] = {
        "trained on": cells.of(lambda config: dataset_name(config.dataset)),
        "method or start": cells.of(start_text),
        "test accuracy (%)": cells.mean_text,
        "difference from SGD": cells.difference_from(
            found, compare.sgd_with_same(found, "dataset")
        ),
        "from β = 50": cells.difference_from(
            found, lambda config: sparse.get(config.dataset, config)
        ),
        "remaining, layers 1, 2, 3 (%)": cells.layers_text,
        "excess window share (points)": locality.excess_text,
    }
    what = "Networks that start from another's masks or weights"
    note = (
        f"{cells.PAIRED}. Rows that name a start are S-FC trained by SGD; its source was trained "
        "with β = 50 unless the row says SGD"
    )
    return cells.by_condition(study, records, columns, what, note=note, text=("method or start",))


def transfer_figure(records: Sequence[Record]) -> Figure:
    """Draw each start's accuracy minus that of SGD from random weights, by data set."""
    found = compare.conditions(records)
    rows = compare.forest_rows(
        found,
        compare.sgd_with_same(found, "dataset"),
        start_text,
        lambda config: B50 if is_sparse(config) else method(config),
        lambda config: f"trained on {dataset_name(config.dataset)}",
    )
    return plots.forest(rows, "test accuracy minus that of SGD (points)")


def numbers(found: ByStudy) -> dict[str, str]:
    """Return differences in accuracy, in points, for the prose; "pending" without runs."""
    started = [run for run in compare.joined(found, found) if run.config.source]
    as_recorded = [run.provenance["source_as_recorded"] for run in started]
    sources = f"{sum(as_recorded)} of {len(as_recorded)}" if as_recorded else PENDING
    narrow, wide = (crossed(found[name]) for name in ("transfer", WIDER))
    here = [run for run in found[WIDER] if run.config.dataset == ORIGINS[0]]
    starts = compare.grouped(here, start_text)
    own, others = (starts[f"{whose} {MASKS}"] for whose in ("its own", "CIFAR-100's"))
    words = {
        "transfer-sources": sources,
        "transfer-n": cells.count_text(compare.conditions(found["transfer"])),
        "rewired-cifar10": cells.lead_text(narrow[0][MASKS], narrow[0][REWIRED]),
        "wider-n": cells.count_text(compare.conditions(found[WIDER])),
        "own-over-sgd": cells.lead_text(own, starts[NOTHING]),
        "own-over-sparse": cells.lead_text(own, starts[B50.short]),
        "own-gap": gap_text({SGD: starts[NOTHING], LOCAL: starts[str(LOCAL)]}, own),
        "others-gap": gap_text({SGD: starts[NOTHING], LOCAL: starts[str(LOCAL)]}, others),
        "others-over-rewired": cells.lead_text(others, starts[f"CIFAR-100's {REWIRED}"]),
    }
    for name, place in zip(ORIGINS, narrow, strict=True):
        words[f"masks-{name}"] = cells.gain_text(place[MASKS], place[NOTHING])
    words["wider-masks-cifar100"] = cells.gain_text(wide[1][MASKS], wide[1][NOTHING])
    return words


def crossed(records: Sequence[Record]) -> list[Groups[str]]:
    """Return for each of `ORIGINS` the runs on it by start, but for those of its own networks."""
    return [
        compare.grouped((run for run in records if _is_crossed(run.config, name)), start_name)
        for name in ORIGINS
    ]


def _is_crossed(config: Config, dataset: str) -> bool:
    """Whether a run on a data set has no source, or one of another data set."""
    return config.dataset == dataset and source_dataset(config) != dataset


def _from_cifar100(start: str) -> Which:
    """Return whether a run on CIFAR-10 has this start, from CIFAR-100 where it has a source."""
    return lambda config: _is_crossed(config, ORIGINS[0]) and start_name(config) == start


def anew(config: Config) -> bool:
    """Whether a run on CIFAR-10 has the masks of β = 50 on the same data set."""
    own = source_dataset(config) == config.dataset == ORIGINS[0]
    return own and config.start == "mask" and is_sparse(config)


CLAIMS = {
    "With masks found on CIFAR-100, SGD is better on CIFAR-10 than without masks": ours(
        "transfer", exceeds(_from_cifar100(MASKS), _from_cifar100(NOTHING)), also=(WIDER,)
    ),
    "These masks are better than masks rewired at random, whose places are not local": ours(
        "transfer", exceeds(_from_cifar100(MASKS), _from_cifar100(REWIRED)), also=(WIDER,)
    ),
    f"A new initialisation of these masks changes the accuracy by less than {MARGIN:g} point": ours(
        "transfer", equals(_from_cifar100(MASKS), _from_cifar100(TAKEN["ticket"]))
    ),
    "A frozen first layer is better on CIFAR-10 if β = 50 trained it on CIFAR-100 than if SGD "
    "did": ours(
        "transfer", exceeds(_from_cifar100(FROZEN), _from_cifar100(FROZEN_OF_SGD)), also=(WIDER,)
    ),
    **{
        f"Trained anew by SGD on the masks that β = 50 left, S-FC is better than {said}": ours(
            WIDER, exceeds(anew, {"source": None, "dataset": ORIGINS[0], **who._asdict()})
        )
        for who, said in {SGD: "dense S-FC by SGD", B50: "by β = 50"}.items()
    },
    "Trained anew by SGD, masks of β = 50 are better than masks of one-shot pruning": ours(
        f"{WIDER} + pruned-masks",
        exceeds(anew, lambda config: config.start == "mask" and not is_sparse(config)),
    ),
}
