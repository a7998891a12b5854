"""Which runs train together: those that can share their batches."""

import itertools
import math
from collections.abc import Sequence

from lcs import cost
from lcs.config import Config
from lcs.data.batches import BATCH_FIELDS, stream

# the most runs in a group, which already share most of the cost of augmentation; and the most
# weights: of wide networks augmentation is a small part, and memory a large one
MAX_GROUP, MAX_GROUP_WEIGHTS = 4, 40_000_000


def groups(configs: Sequence[Config], workers: int = 1) -> list[list[Config]]:
    """Return the runs that are to train together, group by group, in their order.

    Runs of a group share their batches: they have the same data, seed, augmentation and length.
    There are as many groups as workers at least, if there are as many runs.
    """
    found: dict[object, list[Config]] = {}
    for config in configs:
        found.setdefault(shared_fields(config), []).append(config)
    result = []
    for group in found.values():
        in_memory = MAX_GROUP_WEIGHTS // max(map(cost.total_weights, group))
        most = max(1, min(MAX_GROUP, in_memory, len(configs) // workers))
        count = math.ceil(len(group) / most)
        bounds = [len(group) * part // count for part in range(count + 1)]  # of about equal size
        result += [group[start:end] for start, end in itertools.pairwise(bounds)]
    return result


def shared_fields(config: Config) -> tuple[Config, str | None, str]:
    """Return what is the same for all runs that can train in one group.

    Without augmentation there is nothing to share, and dropout draws from the process's generator:
    then it is the run's own, so that it trains alone. A run is in no group with its source.
    """
    shared = config
    if config.augment != "none" and not config.dropout:
        shared = Config(**{name: getattr(config, name) for name in (*BATCH_FIELDS, "epochs")})
    return shared, config.source, stream(config)
