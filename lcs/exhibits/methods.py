"""Names of methods as the pages print them."""

from __future__ import annotations

from lcs.config import Config

# the paper's names
NETWORKS = {"s-conv": "S-CONV", "s-local": "S-LOCAL", "s-fc": "S-FC", "3-fc": "3-FC"}


def method(config: Config) -> str:
    """Name of a run's method as the tables print it: network, optimizer, β."""
    net = NETWORKS.get(config.model, config.model)
    if config.optimizer == "sgd":
        return f"{net}, SGD"
    if config.optimizer == "proximal-l1":
        return f"{net}, proximal ℓ1"
    return beta_lasso_name(config.beta, net)


def beta_lasso_name(beta: float, net: str = NETWORKS["s-fc"]) -> str:
    """Name of a β-LASSO run, of S-FC unless said otherwise, as `method` gives it."""
    return f"{net}, β-LASSO, β = {beta:g}"


# the methods that the pages name
SGD, LOCAL, CONV, THREE = (f"{NETWORKS[net]}, SGD" for net in ("s-fc", "s-local", "s-conv", "3-fc"))

PROXIMAL = f"{NETWORKS['s-fc']}, proximal ℓ1"

B0, B1, B50 = map(beta_lasso_name, (0, 1, 50))
