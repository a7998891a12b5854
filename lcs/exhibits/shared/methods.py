"""Methods that the book compares, and their names as the pages print them."""

from typing import NamedTuple

from lcs.config import Config
from lcs.data.gaussian_process import PROCESSES

# the paper's names
SHALLOW = ("s-conv", "s-local", "s-fc")
NETWORKS = {model: model.upper() for model in (*SHALLOW, "d-conv", "d-local", "d-fc", "3-fc")}

DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "fsdd": "spoken digits",
    **dict.fromkeys(PROCESSES, "the nonlinear process"),
}


def dataset_name(dataset: str) -> str:
    """Return the name of a data set as the pages print it."""
    return DATASETS.get(dataset, dataset)


class Method(NamedTuple):
    """What distinguishes the rows of the paper's Table 2: network, optimizer and β."""

    model: str
    optimizer: str = "sgd"
    beta: float = 0.0

    def __str__(self) -> str:
        """Name in the tables, for example `S-FC, β-LASSO, β = 50`."""
        return f"{NETWORKS.get(self.model, self.model)}, {self.training}"

    @property
    def key(self) -> str:
        """Key in `chosen.json`, for example `s-fc beta-lasso 50`."""
        return f"{self.model} {self.optimizer} {self.beta:g}"

    @property
    def training(self) -> str:
        """Name of the training alone, for example `β-LASSO, β = 50`."""
        names = {"sgd": "SGD", "proximal-l1": "proximal ℓ1", "spred": "spred"}
        return names.get(self.optimizer, f"β-LASSO, β = {self.beta:g}")

    @property
    def short(self) -> str:
        """Name without the network where that is S-FC."""
        return self.training if self.model == "s-fc" else str(self)

    @property
    def shortest(self) -> str:
        """Name where S-FC and β-LASSO are understood, for example `β = 50`."""
        lasso = (self.model, self.optimizer) == ("s-fc", "beta-lasso")
        return f"β = {self.beta:g}" if lasso else self.short


def method(config: Config) -> Method:
    """Return the method of a run."""
    return Method(config.model, config.optimizer, config.beta)


def shortest_name(config: Config) -> str:
    """Return the shortest name of a run's method."""
    return method(config).shortest


def beta_lasso_method(beta: float) -> Method:
    """Return S-FC trained by β-LASSO."""
    return Method("s-fc", "beta-lasso", float(beta))


# the methods that the pages name
SGD, LOCAL, CONV, THREE = (Method(model) for model in ("s-fc", "s-local", "s-conv", "3-fc"))
PROXIMAL = Method("s-fc", "proximal-l1")
B0, B1, B50 = map(beta_lasso_method, (0, 1, 50))
# of the paper's Table 2, in its order, and proximal ℓ1
EVERY = (CONV, LOCAL, THREE, SGD, PROXIMAL, B0, B1, B50)
