"""Records with known results, for the tests of what is computed from records."""

import dataclasses
from pathlib import Path

import torch

from lcs.config import Config
from lcs.exhibits import find_study
from lcs.runs import Record


def made_up(config: Config, accuracy: float, left: int = 500, **final: object) -> Record:
    """A record with this accuracy, in per cent, these per mille of weights left, and `final`.

    The accuracy is of validation images where the run has some, as in a search.
    """
    known = {
        config.accuracy_name: accuracy / 100,
        "clean_train_accuracy": 0.75,
        "nonzeros": {"conv1": left, "fc1": 300, "fc2": 40},
        "weights": {"conv1": 1000, "fc1": 400, "fc2": 40},
        "flops": {"dense": 2880, "sparse": 720},
        "locality": {"window_mass": {"excess_mean": 0.1}},
    }
    return Record(Path(f"{config.name}.json"), "training", config, {}, known | final, None, {})


def with_final(record: Record, **values: object) -> Record:
    """The same record with these values at its end."""
    return dataclasses.replace(record, final=record.final | values)


def with_filters(run: Record, filters: torch.Tensor) -> Record:
    """The same record with these filters, (n, C, H, W), stored beside it."""

    class Kept(Record):
        has_filters = True

        def load_filters(self) -> torch.Tensor:
            return filters

    return Kept(run.path, run.kind, run.config, run.history, run.final, {"file": "made up"}, {})


def configs(*names: str, seeds: int = 1) -> list[Config]:
    """The configurations of desk studies."""
    return [config for name in names for config in find_study(name).configs("desk", seeds)]


def study(name: str, accuracy, seeds: int = 3) -> list[Record]:
    """Records of a desk study, their accuracy a function of the configuration."""
    return [made_up(config, accuracy(config)) for config in configs(name, seeds=seeds)]


class Memory:
    """A store in memory: finds the records that it is given, and has no files."""

    def __init__(self, records=()):
        self.known = {record.config: record for record in records}

    def find(self, config):
        return self.known.get(config)

    def records(self):
        return iter(self.known.values())

    def chain(self):
        return iter((self,))
