"""What the page reproduce says of results and of the cost of runs."""

import re
from operator import itemgetter

from checks import PAGES, Checks, records
from lcs import cost, data
from lcs.config import Config
from lcs.data.batches import steps_per_epoch
from lcs.exhibits import find_study, published
from lcs.exhibits.compare import by_width
from lcs.exhibits.engine.counts import count_step
from lcs.exhibits.methods import B50
from lcs.exhibits.settings import PAPER, l1_of

CHECKS = Checks()


@CHECKS.add
def nothing_at_the_papers_size(store):
    """No record is as wide as the paper's networks."""
    widths = {run.config.base_channels for run in store.records() if run.kind != "toy"}
    return max(widths) < published.PAPER_BASE_CHANNELS


@CHECKS.add
def lambda_times_epochs_is_kept(store):
    """At the paper's size λ of β = 50, times the epochs, is what the search chose at α = 8."""
    wide = by_width(records(store, "search-wide"))
    best = max(wide[max(wide)][B50], key=lambda run: run.accuracy).config
    return best.base_channels == 8 and all(
        abs(value * PAPER.epochs / (getattr(best, name) * best.epochs) - 1) < 1e-6
        for name, value in l1_of(PAPER).items()
    )


@CHECKS.add
def search_is_the_longest_piece(store):
    """Of the commands on the page each adds runs, and `search` the most floating-point operations.

    The first trains SGD and β = 50 for 400 epochs.
    """
    work, trained = [], set()
    for name, options in pieces():
        lacking = set(find_study(name).configs("paper", **options)) - trained
        trained |= lacking  # what one piece has trained, the next ones do not train again
        work.append((sum(map(cost.training_flops, lacking)), name, options))
    on_cifar10 = [piece for piece in work if "dataset" not in piece[2]]
    first = on_cifar10[0][1:] == ("figure3", {"epochs": 400, "betas": [50]})
    return first and max(on_cifar10, key=itemgetter(0))[1] == "search" and all(w[0] for w in work)


@CHECKS.add
def one_gpu_holds_a_run(_):
    """Memory, activations and the least time of a run at α = 150 and α = 500 are those said."""
    narrow, wide = (count_step(width) for width in (150, 500))
    steps = published.PAPER_EPOCHS * steps_per_epoch(data.spec("cifar10").train_size, 512)
    floors = [cost.duration(steps * step.floor) for step in (narrow, wide)]
    # float32: weight, momentum, gradient as the epoch ends; bfloat16: copy and its gradient
    memory = [round((3 * 4 + 2 * 2) * step.weights / 1e9) for step in (narrow, wide)]
    units = sum(layer.units for layer in Config(base_channels=500).layer_sizes().values())
    activations = 512 * units * 8  # of layers and of their non-linearities, float32
    return memory == [4, 31] and floors == ["8.6 min", "1.1 h"] and activations < 1e9


def pieces():
    """The commands of the page for the paper's size: each a study and what it changes."""
    text = PAGES["reproduce"].read_text()
    block = text.partition("how fast is this GPU?")[2].partition("into the book")[0]
    kinds = {"epochs": int, "betas": lambda beta: [float(beta)], "dataset": str}
    for words in re.findall(r"lcs study (.+?) --device cuda", block):
        name, *options = words.split()
        pairs = dict(zip([o.strip("-") for o in options[::2]], options[1::2], strict=True))
        assert pairs.pop("scale") == "paper"
        yield name, {option: kinds[option](value) for option, value in pairs.items()}
