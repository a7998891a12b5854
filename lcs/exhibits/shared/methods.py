"""Methods as searches tell them apart: network, optimizer and β."""

from typing import NamedTuple

from lcs.config import Config

SHALLOW = ("s-conv", "s-local", "s-fc")


class Method(NamedTuple):
    """What distinguishes the rows of the paper's Table 2."""

    model: str
    optimizer: str = "sgd"
    beta: float = 0.0

    @property
    def key(self) -> str:
        """Key in `chosen.json`, for example `s-fc beta-lasso 50`."""
        return f"{self.model} {self.optimizer} {self.beta:g}"


def method(config: Config) -> Method:
    """Return the method of a run."""
    return Method(config.model, config.optimizer, config.beta)


SGD, LOCAL, CONV, THREE = (Method(model) for model in ("s-fc", "s-local", "s-conv", "3-fc"))
PROXIMAL = Method("s-fc", "proximal-l1")
B0, B1, B50 = (Method("s-fc", "beta-lasso", float(beta)) for beta in (0, 1, 50))
# of the paper's Table 2, in its order, and proximal ℓ1
EVERY = (CONV, LOCAL, THREE, SGD, PROXIMAL, B0, B1, B50)
