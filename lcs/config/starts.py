"""What a run can take of another, trained network, by the value of `Config.start`."""

from typing import NamedTuple

S_FC, D_FC = ("s-fc",), ("d-fc",)
FIRST, BOTH = ("conv1",), ("conv1", "fc1")


class Transfer(NamedTuple):
    """What is taken; `lcs.models.transfer` describes each."""

    models: tuple[str, ...] = ()  # that can take it; empty: all
    masked: tuple[str, ...] = ()  # layers whose masks are taken
    moved: str = ""  # which of their places: rewired, random or scattered (of later layers)
    footprints: bool = False  # masks of the first layer's shapes in later layers, too
    network: bool = False  # all weights are taken
    frozen: bool = False  # the weights that are taken are not trained
    new_weights: bool = True  # initial weights that no run without a source has


TRANSFERS = {
    "initial": Transfer(new_weights=False),
    "ticket": Transfer(S_FC, BOTH, new_weights=False),
    "mask": Transfer(S_FC, BOTH),
    "first-mask": Transfer((*S_FC, *D_FC), FIRST),
    "rewired-mask": Transfer(S_FC, BOTH, "rewired"),
    "rewired-first-mask": Transfer((*S_FC, *D_FC), FIRST, "rewired"),
    "random-mask": Transfer(S_FC, BOTH, "random"),
    "footprints": Transfer(D_FC, FIRST, footprints=True),
    "scattered-footprints": Transfer(D_FC, FIRST, "scattered", footprints=True),
    "first-layer": Transfer(S_FC),
    "frozen-first-layer": Transfer(S_FC, frozen=True),
    "network": Transfer(network=True, new_weights=False),
    "pruned-network": Transfer(S_FC, BOTH, network=True, new_weights=False),
}
