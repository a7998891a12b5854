"""What `lcs doctor` finds: every check, also those for a GPU, rehearsed on a CPU at small sizes."""

import contextlib
from types import SimpleNamespace

import pytest
import torch

from lcs import doctor
from lcs.config import Config
from lcs.errors import DataError, TrainingError
from lcs.optim import sparse_products
from lcs.runs import RunStore
from lcs.train import timing

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(doctor, "STEP", doctor.STEP.replace(batch_size=8))
    monkeypatch.setattr(doctor, "WIDTHS", {"cpu": 1})
    monkeypatch.setattr(timing, "REPEATS", 1)


def timed(monkeypatch, times):
    """Let each call of `seconds` return the next of these times."""
    given = iter(times)
    monkeypatch.setattr(doctor, "seconds", lambda *_: next(given))


def test_a_step_that_is_compiled_wrongly_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "compiler_works", lambda _: True)
    monkeypatch.setattr(
        "lcs.optim.beta_lasso.compiler_works", lambda _: False
    )  # compiling takes long
    assert [f.good for f in doctor.compiled_step(CPU)] == [True]
    monkeypatch.setattr(
        "lcs.optim.beta_lasso.take_steps",
        lambda work, *_, fused, **__: work[0][0].add_(1.0 if fused else 0.0),
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


def test_a_step_is_held_to_its_floor(monkeypatch):
    (measured,) = doctor.step_over_floor(CPU, 1)
    assert "times its floor" in measured.text
    timed(monkeypatch, [(2.0, 1.0), (20.0, 1.0)])
    assert [next(doctor.step_over_floor(CPU, 1)).good for _ in range(2)] == [True, False]


def test_bare_products_are_those_of_the_network():
    """As many multiplications as the network's own step, counted by torch."""
    from torch.utils.flop_counter import FlopCounterMode

    config = doctor.STEP.replace(base_channels=1)
    bare = timing.bare_products(config, CPU)
    with FlopCounterMode(display=False) as of_products:
        bare()
    with timing.training_step(config, CPU) as step, FlopCounterMode(display=False) as of_step:
        step()
    assert of_products.get_total_flops() == of_step.get_total_flops() > 0


def test_sparse_limits_are_measured():
    (measured,) = doctor.sparse_limits(CPU, 1)
    assert "faster up to density" in measured.text


def test_the_largest_density_that_is_faster_is_proposed(monkeypatch):
    monkeypatch.setattr(doctor, "training_step", lambda *_: contextlib.nullcontext())
    slow, fast = (2.0, 1.0), (1.0, 2.0)
    now = sparse_products.PAYS_BELOW[sparse_products.limits_name(CPU, "bf16")]
    for times, last in (([fast, fast, slow], 1), ([fast] * len(doctor.DENSITIES), -1)):
        timed(monkeypatch, times)
        (found,) = doctor.sparse_limits(CPU, 1)
        assert f"density {doctor.DENSITIES[last]:g};" in found.text
        assert found.text.endswith(f"is {now:g}")


def test_runs_cost_what_stored_ones_took_times_what_steps_take_here(monkeypatch, finished):
    monkeypatch.setattr(doctor, "default_store", lambda: RunStore(finished))
    monkeypatch.setattr(doctor.cost.Pace, "seconds", lambda pace, config: 60.0 * config.epochs)
    desk = {"table2": 2 * [Config(epochs=45)]}
    epoch = 50_000 / 8  # steps
    timed(monkeypatch, [[60.0 / epoch], [120.0 / epoch]])
    as_stored, slower = (next(doctor.desk_cost(CPU, desk)).text for _ in range(2))
    assert "1.5 h by a step's time here" in as_stored
    assert "3.0 h by a step's time here" in slower
    assert "about 1.5 h as they took" in slower


def examined(monkeypatch, error):
    """Return the findings where the check of the training curve ends with an error."""

    def broken(*_):
        raise error

    monkeypatch.setattr(doctor, "same_curve", broken)
    monkeypatch.setattr(doctor, "compiler_works", lambda _: False)
    monkeypatch.setattr(doctor, "surroundings", lambda: iter(()))
    timed(monkeypatch, [(1.0, 1.0), (1.0, 1.0), [1.0]])
    return list(doctor.examine(CPU, {"some": []}))


def test_a_check_that_breaks_fails_and_the_others_go_on(monkeypatch):
    found = examined(monkeypatch, TrainingError("there are\nno digits"))
    assert [f.good for f in found] == [None, None, False, True, None]
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
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    svhn, ray, browser = (f.text for f in doctor.surroundings())
    assert "lcs data get svhn" in svhn
    assert "pip install -e '.[ray]'" in ray
    assert "not there" in browser
