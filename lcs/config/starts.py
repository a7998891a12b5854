"""What a run can take of another, trained network: the values of `Config.start`."""

from typing import NamedTuple

S_FC, D_FC = ("s-fc",), ("d-fc",)
FIRST, BOTH = ("conv1",), ("conv1", "fc1")


class Start(NamedTuple):
    """One of these values; `lcs.models.transfer` says in words what each means."""

    models: tuple[str, ...] = ()  # that it is for; empty: all
    masked: tuple[str, ...] = ()  # layers whose masks are taken
    moved: str = ""  # which of their places: rewired, random or scattered (of later layers)
    footprints: bool = False  # masks of the first layer's shapes in later layers, too
    network: bool = False  # all weights are taken
    frozen: bool = False  # the weights that are taken are not trained
    new_weights: bool = True  # initial weights that no run without a source has


STARTS = {
    "initial": Start(new_weights=False),
    "ticket": Start(S_FC, BOTH, new_weights=False),
    "mask": Start(S_FC, BOTH),
    "first-mask": Start((*S_FC, *D_FC), FIRST),
    "rewired-mask": Start(S_FC, BOTH, "rewired"),
    "rewired-first-mask": Start((*S_FC, *D_FC), FIRST, "rewired"),
    "random-mask": Start(S_FC, BOTH, "random"),
    "footprints": Start(D_FC, FIRST, footprints=True),
    "scattered-footprints": Start(D_FC, FIRST, "scattered", footprints=True),
    "first-layer": Start(S_FC),
    "frozen-first-layer": Start(S_FC, frozen=True),
    "network": Start(network=True, new_weights=False),
    "pruned-network": Start(S_FC, BOTH, network=True, new_weights=False),
}
