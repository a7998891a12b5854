"""What the page reproduce says of results and of the cost of runs."""

from checks import check, records
from lcs import cost, data
from lcs.config import Config
from lcs.data.batches import steps_per_epoch
from lcs.exhibits.shared import published
from lcs.exhibits.shared.compare import widest
from lcs.exhibits.shared.methods import B50
from lcs.exhibits.shared.settings import PAPER, l1_of

# of one pass of the optimizer over a weight: the gradient read and a copy written in bfloat16, the
# weight itself read and written in float32
BYTES_OF_A_WEIGHT = 2 + 2 + 4 + 4
# NVIDIA's data sheet of the H200 (SXM), a second: dense bfloat16 products, and bytes of memory
OPERATIONS, BYTES = 989e12, 4.8e12


@check
def nothing_at_the_papers_length(store):
    """No run at the paper's width is as long as the paper's."""
    networks = [run.config for run in store.records() if run.kind != "toy"]
    wide = [c for c in networks if c.base_channels >= published.PAPER_BASE_CHANNELS]
    return all(c.epochs < published.PAPER_EPOCHS for c in wide)


@check
def lambda_times_epochs_is_kept(store):
    """At the paper's size λ of β = 50, times the epochs, is what the search chose at α = 8."""
    best = max(widest(records(store, "search-wide"))[B50], key=lambda run: run.accuracy).config
    return best.base_channels == 8 and all(
        abs(value * PAPER.epochs / (getattr(best, name) * best.epochs) - 1) < 1e-6
        for name, value in l1_of(PAPER).items()
    )


def step_floor(config):
    """Estimated least seconds of a step on an H200: the products, then the optimizer's pass."""
    operations = config.batch_size * cost.image_flops(config)
    return operations / OPERATIONS + BYTES_OF_A_WEIGHT * cost.total_weights(config) / BYTES


@check
def one_gpu_holds_a_run(_):
    """Memory, activations and the least time of a run at α = 150 and α = 500 are those said."""
    narrow, wide = (Config(base_channels=width) for width in (150, 500))
    steps = published.PAPER_EPOCHS * steps_per_epoch(data.spec("cifar10").train_size, 512)
    floors = [cost.duration(steps * step_floor(config)) for config in (narrow, wide)]
    # float32: weight, momentum, gradient as the epoch ends; bfloat16: copy and its gradient
    memory = [round((3 * 4 + 2 * 2) * cost.total_weights(c) / 1e9) for c in (narrow, wide)]
    units = sum(layer.units for layer in wide.layer_sizes().values())
    activations = 512 * units * 8  # of layers and of their non-linearities, float32
    return memory == [4, 31] and floors == ["8.6 min", "1.1 h"] and activations < 1e9
