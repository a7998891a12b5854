"""Whether a run can start from the trained network that it names, known from that one's record."""

from __future__ import annotations

from typing import cast

import torch

from lcs.config import Config
from lcs.errors import ConfigError, TrainingError
from lcs.models import Net
from lcs.models.transfer import fitted
from lcs.runs import Record
from lcs.train.setup import build_model


def check_source(config: Config, record: Record) -> None:
    """Refuse a source of which a run cannot take what it is to, before that source is trained.

    Raises:
        ConfigError: the two configurations do not fit, whatever the seed.
        TrainingError: the masks of this source, of this seed, leave all weights or none.
    """
    source, masked, whose = record.config, config.transfer.masked, f"source: {config.source}"
    if record.kind != "training" or source.model == "resnet18":
        advice = "name a training run of another model than resnet18"
        raise ConfigError(f"{whose} has no layers that a run can start from; {advice}")
    began = source.model, source.start, source.bias
    if config.start == "ticket" and began != (config.model, "initial", config.bias):
        advice = "name a run of the same model, with biases where this one has them"
        raise ConfigError(f"{whose} has no random weights for a ticket of this run; {advice}")
    with torch.device("meta"):  # shapes alone
        fitted(config, cast(Net, build_model(config)), cast(Net, build_model(source)))
    for name in ("validation", "permute_pixels", "normalize"):
        if getattr(source, name) != getattr(config, name):
            raise ConfigError(f"{whose} has another {name} than this run; give both the same")
    nonzeros, weights = record.final["nonzeros"], record.final["weights"]
    empty = [name for name in masked if nonzeros[name] == 0]
    full = [name for name in masked if nonzeros[name] == weights[name]]
    # networks of other models have zeros outside their windows
    if masked and full == [*masked] and source.model.endswith("fc"):
        problem = f"no zeros in {', '.join(full)}, so that its masks leave all weights"
    elif empty:
        problem = f"no weights left in {', '.join(empty)}, so that its masks leave none"
    else:
        return
    name = f"run {config.run_id}: its source {source.file}"
    raise TrainingError(f"{name} has {problem}; name another run")
