"""The optimizers in the loops of others, by public names alone: as `torch.optim` behaves there."""

import copy
import io
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from helpers.objectives import normal, parameter
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.checkpoint.state_dict import (
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import distribute_tensor
from torch.optim import Optimizer, lr_scheduler
from torch.optim.swa_utils import SWALR

from lcs.optim import SGD, BetaLasso, ProximalL1, Spred
from lcs.optim import beta_lasso as the_file
from lcs.optim.pruning import Masks, magnitude_masks

MAKE: dict[str, Any] = {
    "beta-lasso": partial(BetaLasso, lr=0.1, l1=1e-3, beta=0.5),
    "proximal-l1": partial(ProximalL1, lr=0.1, l1=1e-3),
    "sgd": partial(SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    "spred": partial(Spred, lr=0.1, l1=1e-3, momentum=0.9),
}
every = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
SMALL = partial(BetaLasso, l1=0.01, beta=1.0)


def net() -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5))


def images(step: int = 0) -> Tensor:
    return normal(8, 3, 8, 8, seed=step).float()


def train(model: nn.Module, optimizer: Any, steps: int = 3) -> list[Tensor]:
    """Train with a closure, as Lightning and skorch do, and return copies of the parameters."""
    for step in range(steps):

        def closure(step: int = step) -> Tensor:
            optimizer.zero_grad()
            loss = model(images(step)).square().mean()
            loss.backward()
            return loss

        optimizer.step(closure)
    return [p.detach().clone() for p in model.parameters()]


def equal(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(map(torch.equal, ours, theirs))


# Masks


def as_it_is(model: Any, optimizer: Any, make: Any, before: Any) -> Any:
    return model, optimizer


def copied(model: Any, optimizer: Any, make: Any, before: Any) -> Any:
    return copy.deepcopy((model, optimizer))


def resumed(model: Any, optimizer: Any, make: Any, before: Any) -> Any:
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    twin = copy.deepcopy(model)
    (other := make(twin.parameters())).load_state_dict(torch.load(file, weights_only=True))
    return twin, other


def with_an_older_state(model: Any, optimizer: Any, make: Any, before: Any) -> Any:
    optimizer.load_state_dict(before)
    return model, optimizer


@every
@pytest.mark.parametrize("then", [as_it_is, copied, resumed, with_an_older_state])
def test_masks_hold_until_they_are_removed(make: Any, then: Any) -> None:
    model = net()
    optimizer = make(model.parameters())
    before = copy.deepcopy(optimizer.state_dict())
    train(model, optimizer)  # with momentum
    masks = Masks(magnitude_masks(model, 0.2), model, optimizer)
    layers = {"0": 108, "2": 720}
    assert {n: int(m.sum()) for n, m in masks.masks.items()} == {
        name: round(0.2 * size) for name, size in layers.items()
    }
    model, optimizer = then(model, optimizer, make, before)
    start = {name: model.get_submodule(name).weight.detach().clone() for name in layers}
    train(model, optimizer)
    for name, mask in masks.masks.items():
        weight = model.get_submodule(name).weight
        assert not weight[~mask].any()
        assert (weight != start[name])[mask].float().mean() > 0.9
    if then in (as_it_is, with_an_older_state):
        outside = masks.masks
        masks.remove()
        train(model, optimizer)
        assert all(model.get_submodule(n).weight[~m].any() for n, m in outside.items())
        assert "mask" not in str(optimizer.state_dict())


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("0", torch.ones(4, 3, 3)),
        ("0", torch.ones(4, 1, 3, 3, dtype=torch.bool)),
        ("0", [True]),
        ("1", torch.ones(3, dtype=torch.bool)),
        ("none", torch.ones(3, dtype=torch.bool)),
        ("2", torch.ones(5, 144, dtype=torch.bool)),
    ],
    ids=["type", "shape", "no tensor", "no weight", "no layer", "not held"],
)
def test_masks_that_do_not_fit_are_refused(name: str, mask: Any) -> None:
    model = net()
    before = copy.deepcopy(model.state_dict())
    fitting = {"0": torch.zeros(4, 3, 3, 3, dtype=torch.bool)}
    with pytest.raises(ValueError, match=f"^{name}: "):
        Masks(fitting | {name: mask}, model, SMALL(model[0].parameters()))
    assert equal([*before.values()], [*model.state_dict().values()]), "none is applied"
    with pytest.raises(ValueError, match="knows no masks"):
        Masks(fitting, model, torch.optim.SGD(model.parameters()))


# Learning rates, states, checkpoints


@every
@pytest.mark.parametrize("lr", [0.0, torch.tensor(0.0)], ids=["number", "tensor"])
@pytest.mark.parametrize("compiled", [False, True])
def test_at_a_learning_rate_of_zero_nothing_changes(make: Any, lr: Any, compiled: bool) -> None:
    values = 1e-3 * normal(500).float()  # many are below the threshold
    param = parameter(values, normal(500, seed=1).float())
    optimizer = make([param, parameter(torch.ones(3))], lr=lr)
    torch._dynamo.reset()
    step = torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step
    step()
    assert torch.equal(param, values)


@every
def test_saving_a_distributed_checkpoint_changes_no_weight(make: Any) -> None:
    model, twin = net(), net()
    optimizer, other = make(model.parameters()), make(twin.parameters(), lr=0.5)
    before = copy.deepcopy(model.state_dict())
    state = get_optimizer_state_dict(model, optimizer)
    assert equal([*before.values()], [*model.state_dict().values()])
    assert bool(state["state"]) == ("momentum" in optimizer.defaults), "state is created"
    train(model, optimizer)
    state = copy.deepcopy(get_optimizer_state_dict(model, optimizer))
    set_optimizer_state_dict(twin, other, state)
    twin.load_state_dict(model.state_dict())
    assert equal(train(model, optimizer), train(twin, other))


STATES: list[tuple[Any, dict[str, Any]]] = [
    (torch.optim.Adam, {}),
    (torch.optim.RMSprop, {}),
    (torch.optim.LBFGS, {}),
    (torch.optim.ASGD, {}),
    (torch.optim.Rprop, {}),
    (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (torch.optim.SGD, {"maximize": True}),
    (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.1}),
]


@every
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize(("their", "settings"), STATES, ids=lambda v: getattr(v, "__name__", None))
def test_states_of_other_optimizers_are_refused(
    make: Any, steps: int, their: Any, settings: dict[str, Any]
) -> None:
    model = net()
    train(model, theirs := their(model.parameters(), **settings), steps)
    ours = make(model.parameters())
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match="another optimizer"):
        ours.load_state_dict(theirs.state_dict())
    assert ours.state_dict() == before


@pytest.mark.parametrize("one", MAKE)
@pytest.mark.parametrize("other", [("beta-lasso", "proximal-l1"), ("proximal-l1", "sgd")])
def test_nor_is_one_of_ours_taken_for_another(one: str, other: tuple[str, str]) -> None:
    state = MAKE[other[0]](net().parameters()).state_dict()
    if one == other[1]:
        with pytest.raises(ValueError, match="another optimizer"):
            MAKE[one](net().parameters()).load_state_dict(state)


def test_states_of_torchs_sgd_can_be_loaded() -> None:
    model, twin = net(), net()
    theirs = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    ours = SGD(twin.parameters(), lr=0.5)
    train(model, theirs)
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    twin.load_state_dict(model.state_dict())
    assert equal(train(model, theirs), train(twin, ours))
    state = ours.state_dict()
    state["state"] = {0: {"momentum_buffer": None}}
    ours.load_state_dict(state)
    train(twin, ours)
    lasso = SMALL(twin.parameters(), lr=0.5)
    lasso.load_state_dict(torch.optim.SGD(model.parameters(), lr=0.1).state_dict())
    assert [lasso.param_groups[0][name] for name in ("lr", "l1", "beta")] == [0.1, 0.01, 1.0]


@every
def test_what_a_load_hook_returns_is_loaded(make: Any) -> None:
    model = net()
    train(model, optimizer := make(model.parameters()))
    state = copy.deepcopy(optimizer.state_dict())
    half = {n: {k: v / 2 for k, v in s.items()} for n, s in state["state"].items()}
    groups = [group | {"lr": 0.7} for group in state["param_groups"]]
    hook = {"state": half, "param_groups": groups}
    optimizer.register_load_state_dict_pre_hook(lambda *_: hook)
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.7
    for name, values in half.items():
        for key, value in values.items():
            assert torch.equal(optimizer.state_dict()["state"][name][key], value)


# Groups


def test_what_is_missing_is_named_unless_groups_bring_it() -> None:
    weights = [parameter(torch.ones(3)) for _ in range(3)]
    for settings, missing in (({}, "l1, beta"), ({"l1": 2e-5}, "beta"), ({"beta": 50}, "l1")):
        with pytest.raises(ValueError, match=f"^{missing}: missing") as error:
            BetaLasso(weights, **settings)
        assert "\n" not in str(error.value)
    for make in (ProximalL1, Spred):
        with pytest.raises(ValueError, match=r"^l1: missing"):
            make(weights)
    group: dict[str, Any] = {"params": weights[:1], "l1": 0.1, "beta": 0.5}
    optimizer = BetaLasso([group])
    with pytest.raises(ValueError, match=r"^l1, beta: missing"):
        optimizer.add_param_group({"params": weights[1:]})
    assert len(optimizer.param_groups) == 1
    by_place = BetaLasso(weights[2:], 0.2, 0.3, 0.4).param_groups[0]
    assert [by_place[name] for name in ("lr", "l1", "beta")] == [0.2, 0.3, 0.4]


SCHEDULES: dict[str, Any] = {
    "OneCycleLR": lambda o, m: lr_scheduler.OneCycleLR(o, 0.1, total_steps=9, cycle_momentum=m),
    "CyclicLR": lambda o, m: lr_scheduler.CyclicLR(o, 0.01, 0.1, cycle_momentum=m),
    "SWALR": lambda o, m: SWALR(o, 0.05),
}


@every
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_keys_that_schedules_add(make: Any, schedule: Any) -> None:
    model = net()
    optimizer = make(model.named_parameters())
    steps = schedule(optimizer, "momentum" in optimizer.defaults)
    for _ in range(3):
        train(model, optimizer)
        steps.step()
    again = type(optimizer)(optimizer.param_groups)
    again.load_state_dict(optimizer.state_dict())
    assert str(again.state_dict()) == str(copy.deepcopy(optimizer).state_dict())
    again.add_param_group({**again.param_groups[0], "params": [parameter(torch.ones(2))],
                           "param_names": ["new"]})  # fmt: skip


class SAM(Optimizer):
    """As in the code of many: a base optimizer that shares the groups, `rho` in each."""

    def __init__(self, params: Any, base: Any, rho: float = 0.05) -> None:
        super().__init__(params, {"rho": rho, "adaptive": False})
        self.base = base(self.param_groups)
        self.param_groups = self.base.param_groups
        self.defaults.update(self.base.defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        closure = torch.enable_grad()(closure)
        loss = closure()
        params = [p for group in self.param_groups for p in group["params"]]
        norm = torch.stack([p.grad.norm() for p in params]).norm()
        moves = [p.grad * self.param_groups[0]["rho"] / norm for p in params]
        torch._foreach_add_(params, moves)
        closure()
        torch._foreach_sub_(params, moves)
        self.base.step()
        return loss


@every
def test_keys_of_other_libraries(make: Any) -> None:
    model = net()
    start = [p.detach().clone() for p in model.parameters()]
    assert not equal(start, train(model, SAM(model.parameters(), make)))
    keys = {"lr_scale": 0.5, "weight_decay": 0.0, "betas": (0.9, 0.999), "tag": "head"}
    optimizer = make([{"params": [*model.parameters()], **keys}])
    train(model, optimizer)
    type(optimizer)(optimizer.param_groups).load_state_dict(optimizer.state_dict())


@pytest.mark.parametrize("key", ["betta", "Beta", "l1_", "lrs"])
def test_a_misspelt_key_is_refused(key: str) -> None:
    optimizer = SMALL([parameter(torch.ones(3))])
    with pytest.raises(ValueError, match=f"^{key}: unknown; did you mean"):
        optimizer.add_param_group({"params": [parameter(torch.ones(3))], key: 0.1})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("key", ["weight_decay", "momentum", "dampening"])
def test_what_would_do_nothing_is_warned_of(key: str) -> None:
    def group() -> dict[str, Any]:
        return {"params": [parameter(torch.ones(3))], key: 0.1}

    optimizer = SMALL([parameter(torch.ones(3))])
    with pytest.raises(UserWarning, match=f"^{key}: does nothing in BetaLasso"):
        optimizer.add_param_group(group())
    assert len(optimizer.param_groups) == 1, "refused, warnings being errors"
    with pytest.warns(UserWarning, match=f"^{key}: ") as caught:
        SMALL([group()])
    assert [warning.filename for warning in caught] == [__file__]


def test_each_layer_that_would_be_emptied_is_warned_of() -> None:
    first, scale = parameter(torch.tensor([[0.01, -0.02]])), parameter(torch.ones(3))
    with pytest.warns(UserWarning, match=r"will empty a parameter \(1, 2\)") as caught:
        BetaLasso([first, scale], l1=0.1, beta=1)
    assert len(caught) == 1


# Kinds of parameters


@every
def test_a_learning_rate_may_be_a_tensor_of_one_element(make: Any) -> None:
    models = [net(), net()]
    for model, lr in zip(models, (0.1, torch.tensor([0.1])), strict=True):
        optimizer = make(model.parameters(), lr=lr)
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(2):
            train(model, optimizer)
            schedule.step()
    for ours, theirs in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(ours, theirs)


@every
def test_fake_lazy_and_complex_parameters(make: Any) -> None:
    with FakeTensorMode():
        train(model := net(), make(model.parameters()))
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(5))
    optimizer = make(model.parameters())
    train(model, optimizer)
    Masks(magnitude_masks(model, 0.1), model, optimizer)
    with pytest.raises(ValueError, match=r"^params: complex .*view_as_real$"):
        make([parameter(torch.ones(3, dtype=torch.cfloat))])


def test_large_distributed_tensors_train_as_others() -> None:
    values, grad = 0.1 * normal(1009, 601).float(), normal(1009, 601, seed=1).float()
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        for make in MAKE.values():
            plain, spread = (
                parameter(values, grad),
                nn.Parameter(distribute_tensor(values.clone(), mesh)),
            )
            spread.grad = distribute_tensor(grad, mesh)
            for param in (plain, spread):
                optimizer = make([param])
                optimizer.step()
                optimizer.step()
            assert torch.equal(spread.to_local(), plain)
            assert not torch.equal(plain, values)
        model = nn.ModuleDict({"layer": nn.Linear(601, 1009)})
        model["layer"].weight = spread
        for of_it in (
            lambda: Masks({"layer": spread.to_local() > 0}, model, optimizer),
            lambda: magnitude_masks(model, 0.5),
        ):
            with pytest.raises(ValueError, match=r"^layer: its weight is distributed"):
                of_it()
    finally:
        dist.destroy_process_group()


# Compiled by the caller


def graphs(make: Any, lr: Any) -> int:
    torch._dynamo.reset()
    count = []

    def backend(graph: Any, _: Any) -> Any:
        count.append(graph)
        return graph.forward

    model = net()
    optimizer = make(model.parameters(), lr=lr)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
    step = torch.compile(optimizer.step, backend=backend)
    for number in range(4):
        model(images(number)).square().mean().backward()
        step()
        schedule.step()
    return len(count)


@every
@pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_a_compiled_step_has_no_more_graphs_than_torchs(make: Any, tensor: bool) -> None:
    theirs = partial(torch.optim.SGD, momentum=0.9)
    counts = [graphs(one, torch.tensor(0.1) if tensor else 0.1) for one in (make, theirs)]
    assert counts[0] <= counts[1]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_frozen_zeros_hide_no_bad_gradient(compiled: bool, value: float) -> None:
    param = parameter(torch.tensor([0.0, 1.0, 0.0, 0.0]), torch.tensor([value, value, 1.0, 0.0]))
    optimizer = SMALL([param], frozen_zeros=True)
    torch._dynamo.reset()
    (torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step)()
    assert param.isfinite().tolist() == [False, False, True, True]
    assert not param[2:].any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("lr", [0.1, torch.tensor(0.1)], ids=["number", "tensor"])
def test_in_half_precision_compiled_steps_have_the_bits_of_eager_ones(dtype: Any, lr: Any) -> None:
    results = []
    torch._dynamo.reset()
    for way in ("eager", "fused", "by the caller"):
        param = parameter(0.03 * normal(20000, dtype=dtype), 0.1 * normal(20000, seed=1).to(dtype))
        optimizer = BetaLasso([param], lr=lr, l1=4e-4, beta=50, compiled=way == "fused")
        step = torch.compile(optimizer.step) if way == "by the caller" else optimizer.step
        step()
        results.append(param.detach())
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    assert 5000 < results[0].count_nonzero() < 15000


# The file alone


def test_the_file_alone_trains(tmp_path: Path) -> None:
    shutil.copy(str(the_file.__file__), tmp_path / "beta_lasso.py")
    script = """if True:
        import sys
        sys.modules["lcs"] = None
        import torch
        from beta_lasso import BetaLasso, ProximalL1, algorithm_1
        for make, settings in ((BetaLasso, {"l1": 1e-3, "beta": 50}), (ProximalL1, {"l1": 0.1})):
            model = torch.nn.Linear(50, 10)
            optimizer = make(model.parameters(), lr=0.1, **settings)
            for _ in range(3):
                model(torch.randn(8, 50)).square().mean().backward()
                optimizer.step()
            print(bool((model.weight == 0).any()))
    """
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (done.stdout.split(), done.stderr) == (["True", "True"], "")
