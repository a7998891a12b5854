"""Where a study trains: here, in processes, on Ray; what fails or ends there stops no other run."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import psutil
import pytest
import torch
from few_runs import DIGITS, OPTIONS, PAIR, alone

from lcs.errors import ConfigError, LcsError, TrainingError
from lcs.exhibits import find_study
from lcs.runs import RunStore
from lcs.study import Study, scheduler
from lcs.study.base_study import Setting
from lcs.study.executors import InThisProcess, OnRay, Processes
from lcs.study.scheduler import attempt, train_all

ROOT = Path(__file__).parents[2]


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as a worker has
    yield
    torch.set_num_threads(threads)


def numbers(store):
    """All bytes of the records but their provenance, by name."""
    return {path.name: path.read_text().partition('\n "provenance"')[0] for path in store.paths()}


# Processes


def study_of(*runs, epochs=1):
    base = DIGITS.replace(epochs=epochs)
    make = lambda base: [base.replace(**changes) for changes in runs]  # noqa: E731
    return Study("mine", "Mine", Setting("own", {"smoke": base}), make)


def test_several_workers_give_the_same_records(tmp_path, quick_start, one_thread):
    study = study_of({}, {"momentum": 0.9})
    one, two = (RunStore(tmp_path / name) for name in ("one", "two"))
    study.train("smoke", store=one, device="cpu")
    records = study.train("smoke", store=two, device="cpu", workers=2)
    assert numbers(one) == numbers(two)
    assert [record.provenance["threads"] for record in records] == [1, 1]


def kill_this(configs, *, deadline):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_said_in_one_line(quick_start):
    killed = pytest.raises(TrainingError, match=r"a worker was killed.* fewer workers")
    with Processes("cpu", 2) as executor, killed:
        train_all(alone(PAIR), executor, budget_minutes=1, work=kill_this)


def train_twenty(folder):
    """What one of two processes does: it exits with 0 if all goes well, and trains with delays."""
    from lcs.train.run import Run

    original = Run.run_epoch

    def run_epoch(self, epoch, *, record):
        with Path(folder, "epochs").open("a") as log:
            log.write(f"{self.config.run_id} {epoch}\n")
        time.sleep(0.02)
        original(self, epoch, record=record)

    scheduler.POLL_SECONDS = 0.05
    Run.run_epoch = run_epoch
    study_of({}).train("smoke", 20, store=RunStore(Path(folder, "runs")), device="cpu")


def test_two_processes_share_a_study(tmp_path, forkserver):
    both = [forkserver.Process(target=train_twenty, args=(str(tmp_path),)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    epochs = (tmp_path / "epochs").read_text().splitlines()
    assert len(epochs) == len(set(epochs)) == len(RunStore(tmp_path / "runs").paths()) == 20


def test_workers_end_with_their_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("LCS_CHECKPOINTS", str(tmp_path))
    words = f"study figure3 --scale smoke --epochs 100000 --workers 2 --store {tmp_path / 'runs'}"
    command = [sys.executable, "-m", "lcs", *words.split(), "--device", "cpu"]
    command += ["--checkpoint-seconds", "0"]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while len(list(tmp_path.glob("*.safetensors"))) < 2:
        assert parent.poll() is None
        time.sleep(0.05)
    workers = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert len(workers) >= 2
    assert not alive
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def interrupt_and_wait(configs, *, parent, both, deadline):
    """Interrupt the parent once, when both runs have begun."""
    if configs == [PAIR[1]]:
        both.touch()
    else:
        while not both.exists():
            time.sleep(0.05)
        os.kill(parent, signal.SIGINT)
    time.sleep(60)  # what the parent would wait for, did it not end them


def test_workers_end_when_their_parent_is_interrupted(quick_start, tmp_path):
    options = {"work": interrupt_and_wait, "parent": os.getpid(), "both": tmp_path / "both"}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's & ignores it
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt), Processes("cpu", 2) as executor:
            train_all(alone(PAIR), executor, budget_minutes=1, **options)
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 50
    assert not multiprocessing.active_children()


# Ray


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

    from lcs.train.run import Run

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


def test_ray_is_interrupted(cluster, tmp_path, uninterrupted):
    main = threading.main_thread().ident
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's & ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            train_on_ray(tmp_path, lambda _: signal.pthread_kill(main, signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)
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


# What a study and the command line are told


def test_without_ray(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ("study", "figure3", "--scale", "smoke", "--store", tmp_path, "--gpus-per-run", 0.25)
    said = command(*words, "--on", "ray")
    said.refused("error: ray is not installed; in the checkout, pip install -e '.[ray]'")
    planned = command(*words, "--on", "ray", "--address", "somewhere", "--plan")
    assert (planned.code, planned.err) == (0, "")
    monkeypatch.setenv("LCS_ON", "ray")  # how a chapter's runs train there
    with pytest.raises(LcsError, match="ray is not installed"):
        study_of({}).train("smoke", store=RunStore(tmp_path))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"on": "slurm"}, "on: unknown value 'slurm'; give processes or ray"),
        ({"gpus_per_run": 0}, "gpus_per_run: 0 is out of range"),
        ({"gpus_per_run": 2}, "gpus_per_run: 2 is out of range"),
        ({"shard": "0/3"}, "shard: '0/3'"),
        ({"shard": "4/3"}, "shard: '4/3'"),
        ({"shard": "half"}, "shard: 'half'"),
    ],
)
@pytest.mark.parametrize("name", ["table2", "toy"])
def test_wrong_options(name, options, reason, tmp_path):
    study = find_study(name)
    for verb in (study.train, study.plan):
        with pytest.raises(ConfigError, match=reason):
            verb("smoke", store=RunStore(tmp_path), **options)


# Shards


@pytest.mark.parametrize(("name", "parts"), [("table2", 4), ("scaling", 7), ("toy", 2)])
def test_shards_are_a_partition_whatever_is_stored(name, parts):
    study = find_study(name)

    def shards(find):
        return [[*study.runs("desk", None, find, shard=f"{i + 1}/{parts}")] for i in range(parts)]

    every = shards(lambda _: None)
    assert sorted(c.run_id for part in every for c in part) == sorted(
        config.run_id for config in study.configs("desk")
    )
    stored = {config.run_id for config in every[0][::2] + every[1]}
    assert shards(lambda config: True if config.run_id in stored else None) == every


def test_a_shard_trains_and_returns_its_part_alone(tmp_path):
    study, store = study_of({}, {"momentum": 0.9}), RunStore(tmp_path)
    plan = study.plan("smoke", 2, store=store, device="cpu", shard="2/3")
    (record,) = study.train("smoke", 2, store=store, device="cpu", shard="2/3")
    assert plan.splitlines()[-1].startswith("1 of 1 runs missing")
    assert [record.path] == store.paths()


def test_a_shard_keeps_the_network_that_runs_of_another_start_from(tmp_path, capsys):
    study, store = find_study("transfer"), RunStore(tmp_path)
    (source,) = study.train("smoke", 1, store=store, device="cpu", shard="2/5")
    (record,) = study.train("smoke", 1, store=store, device="cpu", shard="5/5")
    assert record.config.source_file == source.config.file
    assert "trained first" not in capsys.readouterr().err


def test_the_documented_array_job(tmp_path, command, monkeypatch):
    """Every task of the array trains its part, by a scheduler that only sets two variables."""
    page = (ROOT / "book" / "reproduce.md").read_text()
    (script,) = (block for block in page.split("```") if "#SBATCH" in block)
    # where things are kept is printed, and the command, which is run in this process
    told = """bash -c 'printf "%s\\n" $LCS_STORE $LCS_CHECKPOINTS $LCS_DATA "$@"' lcs"""
    script = script.removeprefix("bash\n").replace(".venv/bin/lcs", told)
    words = ["figure3", "--scale", "smoke", "--epochs", "1", "--device", "cpu"]
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "2")
    monkeypatch.setenv("LCS_STORE", str(tmp_path))
    paths = []
    for task in ("1", "2"):
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", task)
        shell = ["bash", "-c", script, "array.sh", *words]
        printed = subprocess.run(shell, capture_output=True, text=True, check=True).stdout
        store, checkpoints, data, *asked = printed.split()
        assert [store, checkpoints, data] == [
            f"/shared/lcs{it}" for it in ("/runs", "/checkpoints", "")
        ]
        done = command(*asked)
        assert done.code == 0, done.err
        paths.append(set(done.out.split()))
    expected = {config.file for config in find_study("figure3").configs("smoke", epochs=1)}
    assert not paths[0] & paths[1]
    assert {f"{p.parent.name}/{p.stem}" for p in map(Path, paths[0] | paths[1])} == expected
