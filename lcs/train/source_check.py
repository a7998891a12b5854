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
    source = record.config
    if record.kind != "training" or source.model == "resnet18":
        raise ConfigError(
            f"source: {config.source} has none of the layers that a run can start from; name a "
            "training run of another model than resnet18"
        )
    began = source.model, source.start, source.bias
    if config.start == "ticket" and began != (config.model, "initial", config.bias):
        raise ConfigError(
            f"source: {config.source} does not begin with weights that a ticket of this run has; "
            "name a run of the same model from random weights, with biases where this one has them"
        )
    with torch.device("meta"):  # shapes alone
        fitted(config, cast(Net, build_model(config)), cast(Net, build_model(source)))
    for name in ("validation", "permute_pixels", "normalize"):
        if getattr(source, name) != getattr(config, name):
            raise ConfigError(
                f"source: {config.source} has another {name} than this run; give both the same"
            )
    masked = config.transfer.masked
    nonzeros, weights = record.final["nonzeros"], record.final["weights"]
    whole = source.model.endswith("fc")  # others have zeros outside their windows
    if masked and whole and all(nonzeros[name] == weights[name] for name in masked):
        raise TrainingError(
            f"run {config.run_id}: its source {source.file} has no zeros in {', '.join(masked)}, "
            "so that its masks leave all weights; name a sparse run"
        )
    for name in masked:
        if nonzeros[name] == 0:
            raise TrainingError(
                f"run {config.run_id}: its source {source.file} has no weights left in {name}, so "
                "that its mask leaves none; name another run"
            )
