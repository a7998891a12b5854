"""The optimizers, with masks, within Lightning, Accelerate, skorch, timm, DDP and FSDP2."""

from functools import partial

import pytest
import torch
import torch.distributed as dist
from helpers import objectives
from helpers.objectives import conv_net, normal
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lcs.optim.pruning import Masks, magnitude_masks

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs
MAKE = {name: objectives.MAKE[name] for name in ("beta-lasso", "sgd")}
both = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
IMAGES, TARGETS = normal(24, 3, 8, 8).float(), normal(24, 5, seed=1).float()


def batches():
    return DataLoader(TensorDataset(IMAGES, TARGETS), batch_size=8)


def masked(make, model):
    optimizer = make(model.parameters())
    Masks(magnitude_masks(model, 0.3), model, optimizer)
    return optimizer


def assert_as_in_a_plain_loop(found, make, epochs=2):
    optimizer = masked(make, model := conv_net())
    for _ in range(epochs):
        for images, targets in batches():
            optimizer.zero_grad()
            nn.functional.mse_loss(model(images), targets).backward()
            optimizer.step()
    assert all(map(torch.equal, found.parameters(), model.parameters()))
    assert not torch.equal(model[0].weight, conv_net()[0].weight)
    assert model[2].weight.count_nonzero() <= round(0.3 * 720)


@both
def test_lightning(make, tmp_path):
    lightning = pytest.importorskip("lightning", reason="Lightning is not installed")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = conv_net()

        def training_step(self, batch):
            return nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return masked(make, self.net)

    def fit(epochs, **options):
        trainer = lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path,
        )  # fmt: skip
        trainer.fit(module := Module(), batches(), **options)
        trainer.save_checkpoint(tmp_path / "checkpoint")
        return module.net

    assert_as_in_a_plain_loop(fit(1), make, 1)
    resumed = fit(2, ckpt_path=tmp_path / "checkpoint", weights_only=True)
    assert_as_in_a_plain_loop(resumed, make)


@both
def test_accelerate(make, tmp_path):
    accelerate = pytest.importorskip("accelerate", reason="Accelerate is not installed")
    model, accelerator = conv_net(), accelerate.Accelerator(cpu=True)
    model, optimizer, loader = accelerator.prepare(model, masked(make, model), batches())
    for epoch in range(3):
        if epoch == 1:
            accelerator.save_state(str(tmp_path))
        if epoch == 2:
            accelerator.load_state(str(tmp_path))  # the second epoch anew
        for images, targets in loader:
            accelerator.backward(nn.functional.mse_loss(model(images), targets))
            optimizer.step()
            optimizer.zero_grad()
    assert_as_in_a_plain_loop(accelerator.unwrap_model(model), make)


@both
def test_skorch(make):
    skorch = pytest.importorskip("skorch", reason="skorch is not installed")

    class Start(skorch.callbacks.Callback):
        def on_train_begin(self, found, **_):
            Masks(magnitude_masks(found.module_, 0.3), found.module_, found.optimizer_)

    settings = {f"optimizer__{name}": value for name, value in make.keywords.items()}
    found = skorch.NeuralNet(
        conv_net(), nn.MSELoss, optimizer=make.func, **settings, max_epochs=2, batch_size=8,
        train_split=None, verbose=0, callbacks=[Start()],
    )  # fmt: skip
    found.fit(IMAGES.numpy(), TARGETS.numpy())
    assert_as_in_a_plain_loop(found.module_, make)


@both
def test_timm(make):
    timm = pytest.importorskip("timm.optim", reason="timm is not installed")
    scheduler = pytest.importorskip("timm.scheduler")
    groups = timm.param_groups_weight_decay(conv_net(), weight_decay=0.0)
    optimizer = make([group | {"lr_scale": 0.5} for group in groups])
    scheduler.CosineLRScheduler(optimizer, t_initial=4).step(2)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.025] * len(groups))
    make.func(optimizer.param_groups).load_state_dict(optimizer.state_dict())


# On two processes


def wide():
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(1000, 1101), nn.ReLU(), nn.Linear(1101, 3))


def train(model, optimizer):
    for step in range(2):
        optimizer.zero_grad()
        model(normal(8, 1000, seed=step).float()).square().mean().backward()
        optimizer.step()
    return whole(model)


def whole(model):
    return [getattr(p, "full_tensor", p.detach)() for p in model.parameters()]


def train_in_parallel(rank, folder):
    """Sharded and replicated training is that of one process, which gives its bits."""
    import torch.distributed.checkpoint as dcp
    from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
    from torch.distributed.fsdp import fully_shard
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/start", rank=rank, world_size=2)
    mesh = dist.device_mesh.init_device_mesh("cpu", (2,))

    def sharded(make):  # 1101 rows: unevenly
        return (model := fully_shard(wide(), mesh=mesh)), make(model.parameters())

    for name, make in MAKE.items():
        for begin in (lambda model, make=make: make(model.parameters()), partial(masked, make)):
            expected = train(model := wide(), begin(model))
            found = train(model := DistributedDataParallel(wide()), begin(model))
            assert all(map(torch.equal, expected, found)), name
            if not isinstance(begin, partial):  # masks are for whole layers
                assert all(map(torch.equal, expected, train(*sharded(make)))), name
                assert (expected[0] == 0).float().mean() > 0.01 or name == "sgd"
        # what is saved before and after, and loaded
        model, optimizer = sharded(make)
        get_state_dict(model, optimizer)
        assert all(map(torch.equal, wide().parameters(), whole(model)))
        train(model, optimizer)
        dcp.save(dict(enumerate(get_state_dict(model, optimizer))), checkpoint_id=folder / name)
        other, resumed = sharded(make)
        state = dict(enumerate(get_state_dict(other, resumed)))
        dcp.load(state, checkpoint_id=folder / name)
        set_state_dict(other, resumed, model_state_dict=state[0], optim_state_dict=state[1])
        assert all(map(torch.equal, train(model, optimizer), train(other, resumed)))
    dist.destroy_process_group()


@pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="torch is without gloo"
)
def test_two_processes(forkserver, tmp_path):
    processes = [forkserver.Process(target=train_in_parallel, args=(r, tmp_path)) for r in (0, 1)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    assert codes == [0, 0]
