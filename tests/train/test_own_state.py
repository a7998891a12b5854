"""What a caller has set in torch changes no number of a run, and is as it was after."""

from contextlib import contextmanager, nullcontext
from functools import partial

import pytest
import torch

from lcs.config import Config
from lcs.runs import RunStore
from lcs.train import train
from lcs.train.own_state import AUTOCAST_CACHE, OF_CUDA, SETTINGS, own_state
from lcs.train.replay import replay

FP32 = Config(dataset="digits", epochs=1, batch_size=128, momentum=0.9)
BF16 = FP32.replace(model="s-conv", precision="bf16")
DENORMAL = FP32.replace(epochs=2, optimizer="spred", lr=0.97, l1=1.0)  # weights of 1e-40


OTHERS = {torch.float32: torch.float64, False: True, True: False, "highest": "medium"}


@contextmanager
def changed(setting):
    """Have another value than that of a run, and then the usual one."""
    usual = setting.read()
    setting.write(OTHERS[setting.own])
    try:
        yield
    finally:
        setting.write(usual)


@contextmanager
def default_device():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


CALLERS = {
    "autocast": (BF16, lambda: torch.autocast("cpu", torch.bfloat16)),
    "autocast that is off": (BF16, lambda: torch.autocast("cpu", enabled=False)),
    "no gradients": (FP32, torch.no_grad),
    "inference": (FP32, torch.inference_mode),
    "device": (FP32, lambda: torch.device("meta")),
    "default device": (FP32, default_device),
    **{
        setting.name: (DENORMAL if setting.name == "flush_denormal" else FP32,
                       partial(changed, setting))
        for setting in SETTINGS
    },
}  # fmt: skip


def state():
    """What a caller sees of torch's state."""
    flags = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_device()
    return [setting.read() for setting in SETTINGS], flags, torch.get_rng_state().tolist()


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
    assert ("caller_state" in record.provenance) == (name != "autocast that is off")
    assert "caller_state" not in usual[config].provenance


@pytest.mark.parametrize("setting", [AUTOCAST_CACHE, *OF_CUDA], ids=lambda setting: setting.name)
def test_settings_that_no_record_tells_are_those_of_a_run_too(setting, monkeypatch):
    monkeypatch.setattr("lcs.train.own_state.generators_kept", lambda device: nullcontext())
    with changed(setting):
        with own_state(torch.device("cuda")):
            assert setting.read() == setting.own
        assert setting.read() == OTHERS[setting.own]
