"""Work on many things at once: what fails with one does not stop the others."""

import concurrent.futures.process

import pytest
import torch

from lcs.config import Config
from lcs.errors import CheckpointError, DiskError, TrainingError
from lcs.parallel import each, run_parallel
from lcs.runs import RunStore
from lcs.study import Setting, Study


def odd_ones_fail(item):
    number, folder = item
    if number % 2:
        raise TrainingError(f"run {number} fails")
    (folder / str(number)).touch()


@pytest.fixture
def quick_start(monkeypatch, forkserver):
    """Workers from a server that has imported torch once."""
    monkeypatch.setattr("lcs.parallel.multiprocessing.get_context", {"spawn": forkserver}.get)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_fails_stops_no_other(tmp_path, workers, quick_start):
    with pytest.raises(TrainingError, match="run 1 fails"):
        run_parallel(odd_ones_fail, [(number, tmp_path) for number in range(9)], workers)
    assert {path.name for path in tmp_path.iterdir()} == {"0", "2", "4", "6", "8"}


@pytest.mark.parametrize("error", [CheckpointError, DiskError])
def test_a_run_that_is_held_stops_no_other_but_a_full_disk_does(error):
    done = []

    def first_fails(item):
        if not item:
            raise error("no")
        done.append(item)

    with pytest.raises(error, match="no"):
        each(first_fails, range(3))
    assert done == ([] if error is DiskError else [1, 2])


def test_several_workers_give_the_same_records(tmp_path, quick_start):
    def runs(base, _betas):
        return [base, base.replace(momentum=0.9)]

    base = Config(dataset="digits", epochs=1, batch_size=128)
    study = Study("mine", "Mine", Setting("own", {"smoke": base}), runs)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as many as each worker has
    try:
        one, two = (
            study.run("smoke", store=RunStore(tmp_path / str(n)), device="cpu", workers=n).records
            for n in (1, 2)
        )
    finally:
        torch.set_num_threads(threads)
    for first, second in zip(one, two, strict=True):
        assert (first.history, first.final) == (second.history, second.final)
    assert [record.provenance["threads"] for record in two] == [1, 1]


def test_a_killed_worker_is_said_in_one_line(monkeypatch):
    class Broken:
        def __init__(self, *_arguments, **_options):
            raise concurrent.futures.process.BrokenProcessPool

    monkeypatch.setattr("lcs.parallel.ProcessPoolExecutor", Broken)
    with pytest.raises(TrainingError, match=r"a worker was killed.* fewer workers goes on"):
        run_parallel(print, [1, 2], 2)
