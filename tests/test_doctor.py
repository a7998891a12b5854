"""What `lcs doctor` finds, rehearsed on a CPU."""

from types import SimpleNamespace
from unittest import mock

import pytest
import torch

from lcs import doctor
from lcs.errors import DataError, TrainingError

CPU = torch.device("cpu")


def test_a_missing_compiler_fails_on_a_gpu_only(monkeypatch):
    monkeypatch.setattr(doctor, "compiler_works", lambda _: False)
    assert doctor.compiler(CPU)[0] is None
    assert doctor.compiler(torch.device("cuda"))[0] is False


def test_the_curve_of_a_cpu_is_its_own(monkeypatch):
    assert doctor.training_curve(CPU) == (True, "two epochs on digits: off those of a CPU by 0.00%")
    losses = iter([1.0, 1.1])
    curve = SimpleNamespace(replay=lambda _: {"train_loss": [next(losses)], "test_accuracy": [0.5]})
    monkeypatch.setattr(doctor, "Run", SimpleNamespace(start=lambda *_: curve))
    assert doctor.training_curve(CPU)[0] is False


@pytest.mark.parametrize(
    ("outcome", "code", "last"),
    [
        ((True, "well"), 0, "ok   well"),
        (TrainingError("there are\nno digits"), 1, "FAIL training curve: there are no digits"),
        (DataError("no digits"), 0, "-    training curve: no digits"),  # the library alone
    ],
)
def test_the_exit_status_says_whether_all_is_well(command, monkeypatch, outcome, code, last):
    monkeypatch.setattr(doctor, "training_curve", mock.Mock(side_effect=[outcome]))
    monkeypatch.setattr(doctor, "compiler_works", lambda _: False)
    monkeypatch.setattr(doctor, "product_rate", lambda *_: 1.0)
    monkeypatch.setattr(doctor.data, "available", lambda: [("svhn", None, "missing")])
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    said = command("doctor", "--device", "cpu")
    assert (said.code, said.err) == (code, "")
    machine, svhn, ray, _, curve = said.out.splitlines()
    assert machine.startswith("-    cpu: ")
    assert "lcs data get svhn" in svhn
    assert "pip install -e '.[ray]'" in ray
    assert curve == last
