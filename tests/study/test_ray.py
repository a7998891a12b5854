"""A study on a Ray cluster of two machines; what fails or ends there stops no other run.

Ray prints to stdout when a machine is lost, so no test of what a command prints is in this file.
"""

import os
import signal
import sys
import threading
import time
from unittest import mock

import pytest
import torch
from few_runs import OPTIONS, PAIR, alone, numbers, study_of

from lcs.errors import ConfigError, TrainingError
from lcs.runs import RunStore
from lcs.study.executors import InThisProcess, OnRay
from lcs.study.scheduler import attempt, train_all


@pytest.fixture(scope="module")
def cluster():
    """Two machines of one core each, as far as Ray can tell; this process is on the first."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray import cloudpickle
    from ray.cluster_utils import Cluster

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import it
    memory = {"object_store_memory": 80 << 20}
    quickly = {"health_check_period_ms": 500, "health_check_failure_threshold": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        head = {"num_cpus": 1, "include_dashboard": False, "_system_config": quickly, **memory}
        machines = Cluster(initialize_head=True, head_node_args=head)
        machines.add_node(num_cpus=1, **memory)
        ray.init(machines.address, log_to_driver=False, logging_level="error")
        yield machines
        ray.shutdown()
        machines.shutdown()


DIVERGES = {"lr": 1000.0, "weight_decay": 1.0, "batch_size": 128}
LONG = [config.replace(epochs=4) for config in PAIR]


def watched(configs, *, folder, machine, **options):
    """Train a run and note its epochs; one run waits, once, in its third epoch to be interrupted.

    It is the one on `machine`, or the first one.
    """
    import ray

    from lcs.train.loop import Run

    (config,) = configs
    here = ray.get_runtime_context().get_node_id()
    original = Run.run_epoch

    def run_epoch(self, epoch, *, record):
        chosen = here == machine if machine else config == LONG[0]
        if epoch == 2 and chosen and not (folder / "waits").exists():
            (folder / "new").write_text(str(os.getpid()))
            (folder / "new").rename(folder / "waits")
            time.sleep(1000)
        original(self, epoch, record=record)
        with (folder / "epochs").open("a") as log:
            log.write(f"{config.run_id} {epoch}\n")

    with mock.patch.object(Run, "run_epoch", run_epoch):
        return attempt(configs, **options)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    store, threads = RunStore(tmp_path_factory.mktemp("whole")), torch.get_num_threads()
    torch.set_num_threads(1)
    train_all(alone(LONG), InThisProcess("cpu"), budget_minutes=9, store=store, **OPTIONS)
    torch.set_num_threads(threads)
    return numbers(store)


def train_on_ray(folder, interrupt, machine=""):
    """Train two runs on two machines; call `interrupt` with the process of the one that waits.

    The other one has begun too: a worker that is interrupted as it imports is of no more use.
    """
    waits, epochs = folder / "waits", folder / "epochs"

    def when_it_waits():
        while not waits.exists() or not all(c.run_id in epochs.read_text() for c in LONG):
            time.sleep(0.05)
        interrupt(int(waits.read_text()))

    thread = threading.Thread(target=when_it_waits)
    thread.start()
    options = {"work": watched, "folder": folder, "machine": machine, "checkpoint_seconds": 0}
    options |= {"store": RunStore(folder / "runs"), "device": "cpu"}
    try:
        with OnRay("cpu", 1, None, 1.0) as executor:
            assert executor.slots == 2
            train_all(alone(LONG), executor, budget_minutes=9, **options)
    finally:
        thread.join()


def assert_each_epoch_was_trained_once(folder, uninterrupted):
    store = RunStore(folder / "runs")
    assert numbers(store) == uninterrupted
    assert sorted(r.provenance["resumes"] for r in store.records()) == [0, 1]
    assert {record.provenance["threads"] for record in store.records()} == {1}
    epochs = (folder / "epochs").read_text().splitlines()
    assert sorted(epochs) == sorted(f"{c.run_id} {epoch}" for c in LONG for epoch in range(4))


def test_a_study_on_ray(cluster, tmp_path, one_thread, monkeypatch):
    """As the environment says, the same records as here; and a run that fails stops no other."""
    import ray

    study = study_of({}, DIVERGES, {"momentum": 0.9}, {"momentum": 0.5}, epochs=3)
    here, there = (RunStore(tmp_path / name) for name in ("here", "there"))
    with pytest.raises(TrainingError, match="is not finite"):
        study.train("smoke", store=here, device="cpu")
    ray.shutdown()  # the study joins the cluster by itself, and leaves it
    monkeypatch.setenv("LCS_ON", "ray")
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    torch.set_num_threads(2)  # of this process; the cluster's machines have one core
    try:
        with pytest.raises(TrainingError, match="is not finite"):
            study.train("smoke", store=there, device="cpu")
        with pytest.raises(ConfigError, match="no machine of the Ray cluster has a GPU"):
            study.train("smoke", store=there, device="cuda")
        assert not ray.is_initialized()
    finally:
        ray.init(cluster.address, log_to_driver=False, logging_level="error")
    assert numbers(here) == numbers(there)
    assert len(numbers(there)) == 3
    origins = [[r.provenance for r in store.records()] for store in (here, there)]
    assert {origin["threads"] for origin in origins[1]} == {1}
    assert len({origin["command"] for each in origins for origin in each}) == 1


def test_a_worker_of_ray_is_killed(cluster, tmp_path, uninterrupted):
    train_on_ray(tmp_path, lambda process: os.kill(process, signal.SIGKILL))
    assert_each_epoch_was_trained_once(tmp_path, uninterrupted)


def test_ray_is_interrupted(cluster, interruptible, tmp_path, uninterrupted):
    main = threading.main_thread().ident
    with pytest.raises(KeyboardInterrupt):
        train_on_ray(tmp_path, lambda _: signal.pthread_kill(main, signal.SIGINT))
    train_on_ray(tmp_path, lambda _: None)
    store = RunStore(tmp_path / "runs")
    assert numbers(store) == uninterrupted
    assert store.find(LONG[0]).provenance["resumes"] == 1


def test_a_machine_of_ray_is_lost(cluster, tmp_path, uninterrupted):
    """The last test of the cluster."""
    (second,) = cluster.worker_nodes
    train_on_ray(
        tmp_path, lambda _: cluster.remove_node(second, allow_graceful=False), second.node_id
    )
    assert_each_epoch_was_trained_once(tmp_path, uninterrupted)
