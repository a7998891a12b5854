"""What `lcs doctor` finds: every check, also those for a GPU, rehearsed on a CPU at small sizes."""

from types import SimpleNamespace

import pytest
import torch

from lcs import doctor
from lcs.errors import DataError, TrainingError

CPU = torch.device("cpu")


def test_a_step_that_is_compiled_wrongly_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "compiler_works", lambda _: True)
    monkeypatch.setattr(
        "lcs.optim.beta_lasso.compiler_works", lambda _: False
    )  # compiling takes long
    assert [f.good for f in doctor.compiled_step(CPU)] == [True]
    monkeypatch.setattr(
        "lcs.optim.beta_lasso.take_step",
        lambda tensors, *_, fused, **__: tensors[0].add_(1.0 if fused else 0.0),
    )
    assert [f.good for f in doctor.compiled_step(CPU)] == [False]


def test_a_missing_compiler_fails_on_a_gpu_only(monkeypatch):
    monkeypatch.setattr(doctor, "compiler_works", lambda _: False)
    assert [f.good for f in doctor.compiled_step(CPU)] == [None]
    assert [f.good for f in doctor.compiled_step(torch.device("cuda"))] == [False]


def test_the_curve_of_a_cpu_is_its_own(monkeypatch):
    (same,) = doctor.same_curve(CPU)
    assert same.good
    assert "0.00%" in same.text
    losses = iter([1.0, 1.1])
    curve = SimpleNamespace(replay=lambda _: {"train_loss": [next(losses)], "test_accuracy": [0.5]})
    monkeypatch.setattr(doctor, "Run", SimpleNamespace(start=lambda *_: curve))
    (other,) = doctor.same_curve(CPU)
    assert other.good is False


def examined(monkeypatch, error):
    """Return the findings where the check of the training curve ends with an error."""

    def broken(*_):
        raise error

    monkeypatch.setattr(doctor, "same_curve", broken)
    monkeypatch.setattr(doctor, "compiler_works", lambda _: False)
    monkeypatch.setattr(doctor, "surroundings", lambda: iter(()))
    monkeypatch.setattr(doctor.cost, "product_rate", lambda *_: 1.0)
    return list(doctor.examine(CPU))


def test_a_check_that_breaks_fails_and_the_others_go_on(monkeypatch):
    found = examined(monkeypatch, TrainingError("there are\nno digits"))
    assert [f.good for f in found] == [None, None, False]
    assert str(found[2]) == "FAIL training curve: there are no digits"


def test_without_a_data_set_there_is_nothing_to_fail(monkeypatch):
    found = examined(monkeypatch, DataError("digits comes with scikit-learn"))
    assert str(found[2]) == "-    training curve: digits comes with scikit-learn"


@pytest.mark.parametrize(("good", "code"), [(True, 0), (None, 0), (False, 1)])
def test_the_exit_status_says_whether_all_is_well(command, monkeypatch, good, code):
    found = [doctor.Finding(good, "something"), doctor.Finding(True, "the rest")]
    monkeypatch.setattr(doctor, "examine", lambda *_: found)
    said = command("doctor", "--device", "cpu")
    assert (said.code, len(said.out.splitlines()), said.err) == (code, 2, "")


def test_surroundings_say_how_to_get_what_is_missing(monkeypatch):
    monkeypatch.setattr(doctor.data, "available", lambda: [("svhn", None, "missing")])
    monkeypatch.setattr(doctor, "find_spec", lambda _: None)
    svhn, ray = (f.text for f in doctor.surroundings())
    assert "lcs data get svhn" in svhn
    assert "pip install -e '.[ray]'" in ray
