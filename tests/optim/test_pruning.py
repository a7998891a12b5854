"""Masks: how many weights they keep, which, and that nothing else is ever trained."""

import copy
import math

import pytest
import torch
from torch.ao.pruning import CubicSL, WeightNormSparsifier
from torch.nn.utils import prune

from lcs import models
from lcs.config import Config
from lcs.optim.growing_l1 import around_mass
from lcs.optim.pruning import Pruning
from lcs.seeds import generator_for
from lcs.train.loop import Run
from lcs.train.setup import build_model, make_optimizer
from lcs.train.step import gradients

SMOKE = Config(
    dataset="digits", epochs=8, batch_size=512, lr=0.1, momentum=0.9, weight_decay=1e-3,
    pruning="random", density=0.12, density_rest=0.3,
)  # fmt: skip
METHODS = {
    "random": {}, "snip": {}, "windows": {}, "random-windows": {}, "set": {}, "rigl": {},
    "gradual": {}, "magnitude": {"period": 4}, "rewinding": {"period": 2},
}  # fmt: skip
CPU = torch.device("cpu")


def started(method, **changes):
    run = Run.start(SMOKE.replace(pruning=method, **(METHODS[method] | changes)), CPU)
    return run, run.pruning


def train(run, epochs=None):
    for epoch in range(run.epoch, run.config.epochs if epochs is None else epochs):
        run.run_epoch(epoch, record=True)


PENALTIES = {
    "beta-lasso": {"optimizer": "beta-lasso", "beta": 1.0, "l1": 1e-4},
    "proximal-l1": {"optimizer": "proximal-l1", "l1": 1e-3},
    "spred": {"optimizer": "spred", "l1": 1e-4, "momentum": 0.9},
}  # fmt: skip
KINDS = {method: (method, {}) for method in METHODS} | {"bf16": ("set", {"precision": "bf16"})}
for name, fields in PENALTIES.items():
    KINDS[name] = "magnitude", {"momentum": 0.0, "weight_decay": 0.0, **fields}


@pytest.mark.parametrize("kind", KINDS)
def test_no_layer_keeps_more_than_its_count(kind):
    """And fixed masks stay as they were drawn."""
    method, changes = KINDS[kind]
    run, masks = started(method, **changes)
    train(run, 1)
    first = copy.deepcopy(masks.masks)
    train(run)
    sizes = {name: mask.numel() for name, mask in masks.masks.items()}
    assert masks.count("conv1") == round(0.12 * sizes["conv1"])
    assert masks.count("fc1") == round(0.3 * sizes["fc1"])
    for name, mask in masks.masks.items():
        assert int(mask.sum()) == masks.count(name)
        weight = models.layer_weights(run.model)[name]
        assert not weight[~mask].any(), "nothing outside the mask"
        least = 0.0 if kind in PENALTIES else 0.9
        assert weight[mask].count_nonzero() > least * mask.sum(), "what is inside is trained"
        fixed = method in ("random", "snip", "windows", "random-windows")
        assert torch.equal(first[name], mask) == fixed
        for value in run.optimizer.state[run.model.get_submodule(name).weight].values():
            assert not value[..., ~mask].any(), "nor of momentum and factors"
    assert models.layer_weights(run.model)["fc2"].count_nonzero() > 0.9 * 240, "the last is dense"


def test_random_places_are_drawn_from_a_stream_of_the_seed_and_the_layer():
    _run, masks = started("random", seed=3)
    masks.update(0, dict)
    for name, mask in masks.masks.items():
        drawn = torch.rand(mask.shape, generator=generator_for(3, f"mask of {name}"))
        assert drawn[mask].min() > drawn[~mask].max()


def made(method, **changes):
    """Masks of a network that is not trained, with weights 1, 2, … of mixed signs in fc1."""
    run, masks = started(method, **changes)
    weight = run.model.fc1.weight
    with torch.no_grad():
        values = torch.arange(1.0, weight.numel() + 1).view_as(weight)
        weight.copy_(values * (1 - 2 * (values % 2)))
    return run, masks


def test_a_cut_keeps_what_torch_prune_keeps():
    run, masks = made("magnitude")
    expected = copy.deepcopy(run.model.fc1)
    share = 1 - masks.count("fc1") / expected.weight.numel()
    prune.l1_unstructured(expected, "weight", amount=share)
    masks.update(4, dict)
    assert torch.equal(masks.masks["fc1"], expected.weight_mask.bool())
    assert torch.equal(run.model.fc1.weight, expected.weight)


def test_gradual_pruning_follows_torchs_cubic():
    run, masks = made("gradual", epochs=20, density_rest=0.05)
    sizes = run.model.fc1.weight.detach().abs()
    layer = torch.nn.Linear(10, 10)
    sparsifier = WeightNormSparsifier(sparsity_level=0.95, sparse_block_shape=(1, 1))
    sparsifier.prepare(torch.nn.Sequential(layer), [{"tensor_fqn": "0.weight"}])
    # from 20 to 75 % of 20 epochs
    steps = CubicSL(sparsifier, init_sl=0.0, init_t=4, delta_t=1, total_t=11)
    whole = masks.masks["fc1"].numel()
    for epoch in range(20):
        masks.update(epoch, dict)
        level = sparsifier.groups[0]["sparsity_level"]
        mask = masks.masks["fc1"]
        assert int(mask.sum()) == pytest.approx((1 - level) * whole, abs=1), epoch
        assert mask.all() or sizes[mask].min() > sizes[~mask].max(), "the largest"
        sparsifier.step()
        steps.step()


def epochs_of(run, masks, epochs):
    """Yield each of these epochs, and what fc1 has before its masks change: no zero in its mask."""
    values = run.model.fc1.weight.detach().clone()
    masks.update(0, dict)
    for epoch in epochs:
        with torch.no_grad():
            run.model.fc1.weight.copy_(values * masks.masks["fc1"])
        yield epoch, run.model.fc1.weight.detach().clone()


def test_set_drops_three_tenths_of_each_sign_nearest_zero():
    """ζ = 0.3 after each epoch (Mocanu et al., 2018), here also before the last one."""
    run, masks = made("set")
    for epoch, old in epochs_of(run, masks, range(1, 8)):
        masks.update(epoch, dict)
        stayed = old.ne(0) & run.model.fc1.weight.eq(old)
        for sign in (1, -1):
            own = (sign * old)[sign * old > 0].sort().values
            kept = (sign * old)[stayed & (sign * old > 0)].sort().values
            assert torch.equal(kept, own[round(0.3 * len(own)) :])
        mask, name = masks.masks["fc1"], "mask of fc1"
        drawn = torch.rand(mask.shape, generator=generator_for(0, name, epoch))
        assert int(mask.sum()) == masks.count("fc1")
        assert drawn[mask & ~stayed].min() > drawn[~mask].max(), "at random elsewhere"


def test_set_moves_what_has_stayed_at_zero():
    """Else they pile up in units that have no gradient."""
    run, masks = made("set")
    masks.update(0, dict)
    weight, places = run.model.fc1.weight, masks.masks["fc1"].nonzero()[:10]
    with torch.no_grad():
        weight[tuple(places.T)] = 0.0
    masks.update(1, dict)
    assert int(masks.masks["fc1"].sum()) == masks.count("fc1")
    assert masks.masks["fc1"][tuple(places.T)].float().mean() < 0.9
    assert weight.count_nonzero() < masks.count("fc1"), "new ones begin at zero"


def test_rigl_moves_the_smallest_to_the_largest_gradients():
    """A share α/2 (1 + cos(πt/T)), α = 0.3, until T, 75 % of the training (Evci et al., 2020)."""
    run, masks = made("rigl")
    generator, count = torch.Generator().manual_seed(0), masks.count("fc1")
    for epoch, old in epochs_of(run, masks, range(1, 8)):
        before = masks.masks["fc1"].clone()
        slopes = {n: torch.randn(m.shape, generator=generator) for n, m in masks.masks.items()}
        masks.update(epoch, slopes.copy)
        after, weight, sizes = masks.masks["fc1"], run.model.fc1.weight, slopes["fc1"].abs()
        moved = round(0.15 * (1 + math.cos(math.pi * epoch / 6)) * count) if epoch < 6 else 0
        stay = before & (old.abs() >= old[before].abs().sort().values[moved])
        assert (after & stay).sum() == stay.sum() == count - moved
        grown = after & ~stay
        assert torch.equal(sizes[grown].sort(descending=True).values, sizes[~stay].topk(moved)[0])
        assert torch.equal(weight[grown & before], old[grown & before]), "its value is kept"
        assert not weight[grown & ~before].any(), "new weights start at zero"


def test_rigl_counts_new_weights_as_its_own_while_they_are_zero():
    run, masks = made("rigl")
    masks.update(0, dict)
    before = masks.masks["fc1"].clone()
    torch.nn.init.zeros_(run.model.fc1.weight)
    masks.update(5, lambda: {name: torch.zeros(mask.shape) for name, mask in masks.masks.items()})
    assert (masks.masks["fc1"] & before).sum() > 0.97 * before.sum()


def test_snip_keeps_the_largest_products():
    run, masks = started("snip")
    slopes = gradients(run.config, run.model, *next(run.train_batches.iterate(0)))
    scores = (run.model.conv1.weight * slopes["conv1"]).abs()
    masks.update(0, lambda: slopes)
    mask = masks.masks["conv1"]
    assert scores[mask].min() >= scores[~mask].max()


def test_windows_are_those_of_s_local():
    _run, masks = started("windows")
    masks.update(0, dict)
    local = models.build("s-local", num_classes=10, image_size=8, in_channels=1, base_channels=1)
    inside = models.first_layer_filters(local).flatten(1) != 0
    assert not (masks.masks["conv1"] & ~inside).any()


def test_random_windows_are_those_outside_which_lambda_would_grow():
    config = Config(optimizer="beta-lasso", l1=1e-5, l1_growth=1.0, l1_window="initial")
    model = build_model(config)
    windows = around_mass(model.conv1.weight, model.geometries[0], config.l1_growth) == 1
    plain = Config(pruning="random-windows", density=0.06)
    masks = Pruning(plain, model, make_optimizer(plain, model))
    masks.update(0, dict)
    mask = masks.masks["conv1"]
    assert int(mask.sum()) == round(0.06 * mask.numel())
    assert not (mask & ~windows).any()
    assert len(windows.unique(dim=0)) > 0.5 * len(windows), "they are at many places"


@pytest.mark.parametrize(("epochs", "period"), [(12, 4), (4, 1)])
def test_rewinding_goes_back_to_early_weights(epochs, period):
    """Of the second epoch, or of the start, where a period is one epoch."""
    run, masks = started("rewinding", epochs=epochs, period=period)
    train(run, min(2, period - 1))
    early = {name: value.clone() for name, value in run.model.state_dict().items()}
    train(run, period)
    masks.update(period, dict)
    for name, value in run.model.state_dict().items():
        mask = masks.masks.get(name.removesuffix(".weight"), torch.tensor(True))
        assert torch.equal(value, early[name] * mask), name
    kept = {key for state in run.optimizer.state.values() for key in state}
    assert kept == {"mask"}, "momentum starts anew"


def test_rewinding_removes_the_same_share_of_what_is_left_at_each_cut():
    _run, masks = made("rewinding", epochs=16, period=4)
    left = []
    for epoch in range(13):
        masks.update(epoch, dict)
        left.append({name: int(mask.sum()) for name, mask in masks.masks.items()})
    for name, density in (("conv1", 0.12), ("fc1", 0.3)):
        whole = masks.masks[name].numel()
        shares = [density ** (epoch // 4 / 3) for epoch in range(13)]
        assert [one[name] for one in left] == pytest.approx([s * whole for s in shares], abs=1)
