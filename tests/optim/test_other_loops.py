"""The optimizers in the loops of others, by public names alone: as `torch.optim` behaves there."""

import copy
import io
import os
import shutil
import subprocess
import sys
from functools import partial

import pytest
import torch
import torch.distributed as dist
from helpers.objectives import MAKE, conv_net, every, normal, parameter, train
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed.checkpoint import state_dict as distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import distribute_tensor
from torch.optim import Optimizer, lr_scheduler
from torch.optim.swa_utils import SWALR

from lcs.optim import SGD, BetaLasso
from lcs.optim import beta_lasso as the_file
from lcs.optim.pruning import Masks, magnitude_masks

SMALL = partial(BetaLasso, l1=0.01, beta=1.0)
tensor_or_number = pytest.mark.parametrize("tensor", [False, True], ids=["number", "tensor"])


def equal(ours, theirs):
    return all(map(torch.equal, ours, theirs))


# Masks


@every
@pytest.mark.parametrize("then", ["as it is", "copied", "resumed", "with an older state"])
def test_masks_hold_until_they_are_removed(make, then):
    optimizer = make((model := conv_net()).parameters())
    before = copy.deepcopy(optimizer.state_dict())
    train(model, optimizer)  # with momentum
    masks = Masks(magnitude_masks(model, 0.2), model, optimizer)
    assert {n: int(m.sum()) for n, m in masks.masks.items()} == {"0": 22, "2": 144}
    if then == "copied":
        model, optimizer = copy.deepcopy((model, optimizer))
    elif then == "resumed":
        torch.save(optimizer.state_dict(), file := io.BytesIO())
        file.seek(0)
        optimizer = make((model := copy.deepcopy(model)).parameters())
        optimizer.load_state_dict(torch.load(file, weights_only=True))
    elif then == "with an older state":
        optimizer.load_state_dict(before)
    start = {name: model.get_submodule(name).weight.detach().clone() for name in masks.masks}
    train(model, optimizer)
    for name, mask in masks.masks.items():
        weight = model.get_submodule(name).weight
        assert not weight[~mask].any()
        assert (weight != start[name])[mask].float().mean() > 0.9
    if then in ("as it is", "with an older state"):
        outside = masks.masks
        masks.remove()
        train(model, optimizer)
        assert all(model.get_submodule(n).weight[~m].any() for n, m in outside.items())
        assert "mask" not in str(optimizer.state_dict())


BAD_MASKS = {
    "type": ("0", torch.ones(4, 3, 3, 3)), "shape": ("0", torch.ones(4, 1, 3, 3).bool()),
    "no tensor": ("0", [True]), "no weight": ("1", torch.ones(3).bool()),
    "no layer": ("none", torch.ones(3).bool()), "not held": ("2", torch.ones(5, 144).bool()),
}  # fmt: skip


@pytest.mark.parametrize(("name", "mask"), BAD_MASKS.values(), ids=BAD_MASKS)
def test_masks_that_do_not_fit_are_refused(name, mask):
    before = copy.deepcopy((model := conv_net()).state_dict())
    fitting = {"0": torch.zeros(4, 3, 3, 3, dtype=torch.bool)}
    with pytest.raises(ValueError, match=f"^{name}: "):
        Masks(fitting | {name: mask}, model, SMALL(model[0].parameters()))
    assert equal(before.values(), model.state_dict().values()), "none is applied"
    with pytest.raises(ValueError, match="knows no masks"):
        Masks(fitting, model, torch.optim.SGD(model.parameters()))


# Learning rates, states, checkpoints


@every
@tensor_or_number
@pytest.mark.parametrize("compiled", [False, True])
def test_at_a_learning_rate_of_zero_nothing_changes(make, tensor, compiled):
    values = 1e-3 * normal(500).float()  # many are below the threshold
    param = parameter(values, normal(500, seed=1).float())
    lr = torch.tensor(0.0) if tensor else 0.0
    optimizer = make([param, parameter(torch.ones(3))], lr=lr)
    torch._dynamo.reset()
    step = torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step
    step()
    assert torch.equal(param, values)


@every
def test_a_learning_rate_may_be_a_tensor_of_one_element(make):
    results = []
    for lr in (0.1, torch.tensor([0.1])):
        optimizer = make((model := conv_net()).parameters(), lr=lr)
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
        for _ in range(2):
            results.append(train(model, optimizer))
            schedule.step()
    torch.testing.assert_close(results[:2], results[2:])


@every
def test_saving_a_distributed_checkpoint_changes_no_weight(make):
    model, twin = conv_net(), conv_net()
    optimizer, other = make(model.parameters()), make(twin.parameters(), lr=0.5)
    state = distributed.get_optimizer_state_dict(model, optimizer)
    assert equal(twin.parameters(), model.parameters())
    assert bool(state["state"]) == ("momentum" in optimizer.defaults), "state is created"
    train(model, optimizer)
    state = copy.deepcopy(distributed.get_optimizer_state_dict(model, optimizer))
    distributed.set_optimizer_state_dict(twin, other, state)
    twin.load_state_dict(model.state_dict())
    assert equal(train(model, optimizer), train(twin, other))


NAMES = ("Adam", "RMSprop", "LBFGS", "ASGD", "Rprop")
OTHERS = {name: getattr(torch.optim, name) for name in NAMES}
OTHERS |= {"nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
           "maximize": partial(torch.optim.SGD, maximize=True),
           "dampening": partial(torch.optim.SGD, momentum=0.9, dampening=0.1)}  # fmt: skip


@every
@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize("their", OTHERS.values(), ids=OTHERS)
def test_states_of_other_optimizers_are_refused(make, steps, their):
    train(model := conv_net(), theirs := their(model.parameters()), steps)
    ours = make(model.parameters())
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match="another optimizer"):
        ours.load_state_dict(theirs.state_dict())
    assert ours.state_dict() == before


@pytest.mark.parametrize(("one", "other"), [("beta-lasso", "proximal-l1"), ("proximal-l1", "sgd")])
def test_nor_is_one_of_ours_taken_for_another(one, other):
    state = MAKE[one](conv_net().parameters()).state_dict()
    with pytest.raises(ValueError, match="another optimizer"):
        MAKE[other](conv_net().parameters()).load_state_dict(state)


def test_states_of_torchs_sgd_can_be_loaded():
    model, twin = conv_net(), conv_net()
    theirs = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    ours = SGD(twin.parameters(), lr=0.5)
    train(model, theirs)
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    twin.load_state_dict(model.state_dict())
    assert equal(train(model, theirs), train(twin, ours))
    ours.load_state_dict(ours.state_dict() | {"state": {0: {"momentum_buffer": None}}})
    train(twin, ours)
    lasso = SMALL(twin.parameters(), lr=0.5)
    lasso.load_state_dict(torch.optim.SGD(model.parameters(), lr=0.1).state_dict())
    assert [lasso.param_groups[0][name] for name in ("lr", "l1", "beta")] == [0.1, 0.01, 1.0]


@every
def test_what_a_load_hook_returns_is_loaded(make):
    train(model := conv_net(), optimizer := make(model.parameters()))
    state = copy.deepcopy(optimizer.state_dict())
    half = {n: {k: v / 2 for k, v in s.items()} for n, s in state["state"].items()}
    groups = [group | {"lr": 0.7} for group in state["param_groups"]]
    optimizer.register_load_state_dict_pre_hook(lambda *_: {"state": half, "param_groups": groups})
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.7
    loaded = optimizer.state_dict()["state"]
    assert all(torch.equal(loaded[n][k], v) for n, s in half.items() for k, v in s.items())


# Groups

SCHEDULES = {
    "OneCycleLR": lambda o, m: lr_scheduler.OneCycleLR(o, 0.1, total_steps=9, cycle_momentum=m),
    "CyclicLR": lambda o, m: lr_scheduler.CyclicLR(o, 0.01, 0.1, cycle_momentum=m),
    "SWALR": lambda o, m: SWALR(o, 0.05),
}


@every
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_keys_that_schedules_add(make, schedule):
    optimizer = make((model := conv_net()).named_parameters())
    steps = schedule(optimizer, "momentum" in optimizer.defaults)
    for _ in range(2):
        train(model, optimizer, 1)
        steps.step()
    again = make.func(optimizer.param_groups)
    again.load_state_dict(optimizer.state_dict())
    assert str(again.state_dict()) == str(copy.deepcopy(optimizer).state_dict())
    new = {"params": [parameter(torch.ones(2))], "param_names": ["new"]}
    again.add_param_group(again.param_groups[0] | new)


class SAM(Optimizer):
    """As in the code of many: a base optimizer that shares the groups, `rho` in each."""

    def __init__(self, params, base, rho=0.05):
        super().__init__(params, {"rho": rho, "adaptive": False})
        self.base = base(self.param_groups)
        self.param_groups = self.base.param_groups
        self.defaults.update(self.base.defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = (closure := torch.enable_grad()(closure))()
        params = [p for group in self.param_groups for p in group["params"]]
        norm = torch.stack([p.grad.norm() for p in params]).norm()
        moves = [p.grad * self.param_groups[0]["rho"] / norm for p in params]
        torch._foreach_add_(params, moves)
        closure()
        torch._foreach_sub_(params, moves)
        self.base.step()
        return loss


@every
def test_keys_of_other_libraries(make):
    model = conv_net()
    assert not equal(conv_net().parameters(), train(model, SAM(model.parameters(), make)))
    keys = {"lr_scale": 0.5, "weight_decay": 0.0, "betas": (0.9, 0.999), "tag": "head", "name": "x"}
    optimizer = make([{"params": [*model.parameters()], **keys}])
    assert optimizer.param_groups[0]["name"] == "x"
    train(model, optimizer)
    make.func(optimizer.param_groups).load_state_dict(optimizer.state_dict())


# Kinds of parameters


@every
def test_fake_lazy_and_complex_parameters(make):
    with FakeTensorMode():
        train(model := conv_net(), make(model.parameters()))
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(5))
    train(model, optimizer := make(model.parameters()))
    Masks(magnitude_masks(model, 0.1), model, optimizer)
    with pytest.raises(ValueError, match=r"^params: complex .*view_as_real$"):
        make([parameter(torch.ones(3, dtype=torch.cfloat))])


def test_large_distributed_tensors_train_as_others():
    values, grad = 0.1 * normal(1009, 601).float(), normal(1009, 601, seed=1).float()
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        mesh = init_device_mesh("cpu", (1,))
        for make in MAKE.values():
            plain = parameter(values, grad)
            spread = nn.Parameter(distribute_tensor(values.clone(), mesh))
            spread.grad = distribute_tensor(grad, mesh)
            for optimizer in 2 * [make([plain]), make([spread])]:
                optimizer.step()
            assert torch.equal(spread.to_local(), plain)
            assert not torch.equal(plain, values)
        model = nn.ModuleDict({"layer": nn.Linear(601, 1009)})
        model["layer"].weight = spread
        with pytest.raises(ValueError, match=r"^layer: its weight is distributed"):
            Masks({"layer": spread.to_local() > 0}, model, optimizer)
        with pytest.raises(ValueError, match=r"^layer: its weight is distributed"):
            magnitude_masks(model, 0.5)
    finally:
        dist.destroy_process_group()


# Compiled by the caller


def graphs(make, lr):
    torch._dynamo.reset()
    count = []
    optimizer = make((model := conv_net()).parameters(), lr=lr)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
    step = torch.compile(optimizer.step, backend=lambda graph, _: count.append(1) or graph.forward)
    for number in range(3):
        model(normal(8, 3, 8, 8, seed=number).float()).square().mean().backward()
        step()
        schedule.step()
    return len(count)


@tensor_or_number
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_a_compiled_step_has_no_more_graphs_than_torchs(tensor):
    def of(make):
        return graphs(make, torch.tensor(0.1) if tensor else 0.1)

    most = of(partial(torch.optim.SGD, momentum=0.9))
    assert {name: count for name in MAKE if (count := of(MAKE[name])) > most} == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@tensor_or_number
def test_in_half_precision_compiled_steps_have_the_bits_of_eager_ones(dtype, tensor):
    results, lr = [], torch.tensor(0.1) if tensor else 0.1
    torch._dynamo.reset()
    for way in ("eager", "fused", "by the caller"):
        param = parameter(0.03 * normal(20000, dtype=dtype), 0.1 * normal(20000, seed=1).to(dtype))
        optimizer = BetaLasso([param], lr=lr, l1=4e-4, beta=50, compiled=way == "fused")
        (torch.compile(optimizer.step) if way == "by the caller" else optimizer.step)()
        results.append(param.detach())
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    assert 5000 < results[0].count_nonzero() < 15000


# The file alone


def test_the_file_alone_trains(tmp_path):
    shutil.copy(the_file.__file__, tmp_path / "beta_lasso.py")
    script = """if True:
        import sys
        sys.modules["lcs"] = None
        import torch
        from beta_lasso import BetaLasso, ProximalL1, algorithm_1
        model = torch.nn.Linear(50, 10)
        ProximalL1(model.parameters(), lr=0.1, l1=0.1)
        optimizer = BetaLasso(model.parameters(), lr=0.1, l1=1e-3, beta=50)
        for _ in range(3):
            model(torch.randn(8, 50)).square().mean().backward()
            optimizer.step()
        print(bool((model.weight == 0).any()))
    """
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (["True"], "")


@every
def test_a_step_with_a_closure_is_a_step(make):
    """Lightning and skorch always give one."""
    closed, plain = conv_net(), conv_net()
    train(closed, make(closed.parameters()), 3)
    optimizer = make(plain.parameters())
    for step in range(3):
        optimizer.zero_grad()
        plain(normal(8, 3, 8, 8, seed=step).float()).square().mean().backward()
        optimizer.step()
    assert all(map(torch.equal, closed.parameters(), plain.parameters()))
