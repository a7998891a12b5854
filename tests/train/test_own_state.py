"""What a caller has set in torch changes no number of a run, and is as it was after."""

from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
import torch

from lcs.config import Config
from lcs.runs import RunStore
from lcs.train import train
from lcs.train.device import SETTINGS, own_state
from lcs.train.replay import replay

FP32 = Config(dataset="digits", epochs=1, batch_size=128, momentum=0.9)
BF16 = FP32.replace(model="s-conv", precision="bf16")
DENORMAL = FP32.replace(epochs=2, optimizer="spred", lr=0.97, l1=1.0)  # weights of 1e-40
OTHERS = {torch.float32: torch.float64, False: True, True: False, "highest": "medium"}


@contextmanager
def changed(name):
    """Have another value than that of a run, and then the usual one."""
    read, write, own = SETTINGS[name]
    usual = read()
    write(OTHERS[own])
    try:
        yield
    finally:
        write(usual)


CALLERS = {
    "autocast": (BF16, lambda: torch.autocast("cpu", torch.bfloat16)),
    "no gradients": (FP32, torch.no_grad),
    "inference": (FP32, torch.inference_mode),
    "device": (FP32, lambda: torch.device("meta")),
    **{
        name: (DENORMAL if name == "flush_denormal" else FP32, partial(changed, name))
        for name in SETTINGS if "cuda." not in name
    },
}  # fmt: skip


def state():
    """What a caller sees of torch's state."""
    flags = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_device()
    return [read() for read, *_ in SETTINGS.values()], flags, torch.get_rng_state().tolist()


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Records of callers that set nothing."""
    store = RunStore(tmp_path_factory.mktemp("usual"))
    return {config: train(config, store=store, device="cpu") for config in (FP32, BF16, DENORMAL)}


@pytest.mark.parametrize("name", CALLERS)
def test_the_callers_state_changes_no_number_and_is_restored(name, usual, tmp_path):
    config, caller = CALLERS[name]
    with caller():
        before = state()
        record = train(config, store=RunStore(tmp_path), device="cpu")
        replayed = replay(usual[config], config.epochs, "cpu")
        assert state() == before
    assert (record.history, record.final) == (usual[config].history, usual[config].final)
    assert "equal to the last stored digit" in replayed.text


@pytest.mark.parametrize("name", [name for name in SETTINGS if "cuda." in name])
def test_settings_of_a_gpu_are_those_of_a_run_too(name, monkeypatch):
    monkeypatch.setattr("lcs.train.device.generators_kept", lambda device: nullcontext())
    read, _, own = SETTINGS[name]
    with changed(name):
        with own_state(torch.device("cuda")):
            assert read() == own
        assert read() == OTHERS[own]
