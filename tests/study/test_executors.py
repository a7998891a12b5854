"""Where a study trains: here, in processes, in shards. What ends there is said in one line."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from few_runs import PAIR, alone, numbers, study_of

from lcs.errors import ConfigError, LcsError, TrainingError
from lcs.exhibits import find_study
from lcs.runs import RunStore
from lcs.study import executors, scheduler
from lcs.study.executors import OnRay, Processes
from lcs.study.scheduler import train_all

ROOT = Path(__file__).parents[2]


# Processes


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


def train_twelve(folder):
    """What one of two processes does: it exits with 0 if all goes well, and trains with delays."""
    from lcs.train.loop import Run

    original = Run.run_epoch

    def run_epoch(self, epoch, *, record):
        with Path(folder, "epochs").open("a") as log:
            log.write(f"{self.config.run_id} {epoch}\n")
        time.sleep(0.02)
        original(self, epoch, record=record)

    scheduler.POLL_SECONDS = 0.05
    Run.run_epoch = run_epoch
    study_of({}).train("smoke", 12, store=RunStore(Path(folder, "runs")), device="cpu")


def test_two_processes_share_a_study(tmp_path, forkserver):
    both = [forkserver.Process(target=train_twelve, args=(str(tmp_path),)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    epochs = (tmp_path / "epochs").read_text().splitlines()
    assert len(epochs) == len(set(epochs)) == len(RunStore(tmp_path / "runs").paths()) == 12


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


def test_workers_end_when_their_parent_is_interrupted(quick_start, interruptible, tmp_path):
    options = {"work": interrupt_and_wait, "parent": os.getpid(), "both": tmp_path / "both"}
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Processes("cpu", 2) as executor:
        train_all(alone(PAIR), executor, budget_minutes=1, **options)
    assert time.monotonic() - began < 50
    assert not multiprocessing.active_children()


# Ray


@pytest.fixture
def ray():
    return pytest.importorskip("ray", reason="Ray is not installed")


def test_a_cluster_that_does_not_answer_is_given_up(ray, monkeypatch):
    monkeypatch.setattr(executors, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(ray, "init", lambda *_arguments, **_options: time.sleep(1000))
    with pytest.raises(LcsError, match=r"the Ray cluster at 192.0.2.1:6379 does not answer"):
        OnRay("cpu", 1, "192.0.2.1:6379", 1.0)


def test_a_lost_cluster_is_said_in_one_line(ray):
    executor = OnRay.__new__(OnRay)
    executor._ray = ray
    said = executor.why_ended(ray.exceptions.LocalRayletDiedError())
    assert re.fullmatch(r"the Ray cluster is lost \(.*is kept.* goes on", said)
    ours = ray.exceptions.RayTaskError("task", "its traceback", ValueError("a fault of ours"))
    assert executor.why_ended(ours.as_instanceof_cause()) == ""


def test_without_ray(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    words = ("study", "figure3", "--scale", "smoke", "--store", tmp_path, "--gpus-per-run", 0.25)
    said = command(*words, "--on", "ray")
    said.refused("error: ray is not installed; pip install -e '.[ray]'")
    planned = command(*words, "--on", "ray", "--address", "somewhere", "--plan")
    assert (planned.code, planned.err) == (0, "")


# Shards


@pytest.mark.parametrize(("name", "parts"), [("scaling", 20), ("toy", 2)])
def test_shards_are_a_partition_whatever_is_stored(name, parts):
    study = find_study(name)

    def shards(find):
        return [[*study.runs("desk", None, find, shard=f"{i + 1}/{parts}")] for i in range(parts)]

    every = shards(lambda _: None)
    listed = sorted(config.run_id for part in every for config in part)
    assert listed == sorted(config.run_id for config in study.configs("desk"))
    stored = {config.run_id for config in every[0][::2] + every[1]}
    assert shards(lambda config: True if config.run_id in stored else None) == every


def test_a_shard_trains_its_part_and_keeps_what_others_start_from(tmp_path, capsys):
    """Two parts of five, which both have a study beside them that has nothing to do with it."""
    first, transfer, store = study_of({}), find_study("transfer"), RunStore(tmp_path)
    options = {"store": store, "device": "cpu", "also": [(transfer, "smoke")]}
    plan = first.plan("smoke", 1, shard="2/5", **options)
    assert plan.splitlines()[-1].startswith("1 of 1 runs missing")
    (source,) = first.train("smoke", 1, shard="2/5", **options)
    assert [source.path] == store.paths()
    (record,) = first.train("smoke", 1, shard="5/5", **options)
    assert record.config.source_file == source.config.file
    assert "trained first" not in capsys.readouterr().err
    for wrong in ("0/3", "4/3", "half"):
        with pytest.raises(ConfigError, match=f"shard: '{wrong}'"):
            first.plan("smoke", shard=wrong, store=store)


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
        shared = ["/shared/lcs/runs", "/shared/lcs/checkpoints", "/shared/lcs"]
        assert [store, checkpoints, data] == shared
        done = command(*asked)
        assert done.code == 0, done.err
        paths += map(Path, done.out.split())
    expected = [config.file for config in find_study("figure3").configs("smoke", epochs=1)]
    assert sorted(f"{path.parent.name}/{path.stem}" for path in paths) == sorted(expected)
