"""Fixtures that several files share: folders of their own, a store, the command line in process."""

import multiprocessing
import multiprocessing.forkserver
import shutil
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory):
    """Keep the reader's own checkpoints and records out of the tests."""
    folder = tmp_path_factory.mktemp("own")
    folders = {"LCS_CHECKPOINTS": str(folder / "checkpoints"), "LCS_STORE": str(folder / "runs")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in folders.items():
            patch.setenv(name, value)
        yield folders


class Said(NamedTuple):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def error(self):
        """The last line of stderr, before which there may be messages of `lcs train`."""
        return self.err.splitlines()[-1]

    def refused(self, reason, code=1):
        """Assert that this is an error of one line, which gives the reason, and nothing else."""
        assert (self.code, self.out) == (code, "")
        assert self.error.startswith("lcs: error: ")
        assert reason in self.error
        assert all(line.startswith("run ") for line in self.err.splitlines()[:-1])


@pytest.fixture
def command(capsys):
    """Run `lcs` in this process: `command("runs", "list", "--store", folder)`."""
    from lcs.cli import main

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(end.value.code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def needs_compiler():
    """Skip where nothing can be compiled: no C++ compiler, no Python.h, or a path with a space.

    Torch's check of every instruction set, a process for each, is left out: that is slow.
    """
    import torch
    from torch._inductor import config, cpu_vec_isa

    from lcs.optim.beta_lasso import compiler_works

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cpu_vec_isa.VecISA, "check_build", lambda *_: True, raising=False)
        with config.patch({"cpp_cache_precompile_headers": False}):
            with warnings.catch_warnings(record=True, action="always") as said:
                works = compiler_works(torch.device("cpu"))
            if not works:
                pytest.skip(str(said[-1].message) if said else "torch.compile does not work")
            yield


@pytest.fixture(scope="session")
def forkserver(_own_folders):
    """Processes from a server that has imported torch once: each costs only what it computes."""
    context = multiprocessing.get_context("forkserver")
    # optimizers of torch import torch._dynamo at their first use
    context.set_forkserver_preload(["lcs.cli", "lcs.study", "lcs.train", "torch._dynamo"])
    # its processes have the environment in which it starts: not that of the first test
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _own_folders.items():
            patch.setenv(name, value)
        multiprocessing.forkserver.ensure_running()
    return context


@pytest.fixture
def quick_start(monkeypatch, forkserver):
    """Workers from a server that has imported torch once."""
    monkeypatch.setattr(
        "lcs.study.executors.multiprocessing.get_context", {"spawn": forkserver}.get
    )


@pytest.fixture(scope="session")
def built():
    """The folder of the book's pages: built unless they are there, without warnings, and newer
    than all they are made from."""
    from filelock import FileLock

    from lcs.exhibits import book

    pages = book.ROOT / "_build" / "html"
    pages.parent.mkdir(exist_ok=True)
    folder = book.ROOT / "book"
    sources = [book.ROOT / "_config.yml", book.ROOT / "_toc.yml", Path(book.__file__)]
    sources += [path for path in folder.rglob("*") if path.is_file()]
    with FileLock(pages.with_suffix(".lock")):
        done = (pages / "_static" / "vega.js").exists()  # written when all else has gone well
        made = (pages / "index.html").stat().st_mtime if done else 0.0
        if any(source.stat().st_mtime > made for source in sources):
            book.render()
    return pages


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with three records: β-LASSO, with filters, and two seeds of SGD, with validation."""
    from lcs.config import Config
    from lcs.runs import RunStore
    from lcs.train import train

    store = RunStore(tmp_path_factory.mktemp("finished"))
    base = Config(dataset="digits", epochs=3, batch_size=128, dropout=0.25)
    lasso = base.replace(optimizer="beta-lasso", l1=2e-4, beta=50.0)
    train(lasso, store=store, device="cpu")
    for seed in (0, 1):
        train(base.replace(validation=True, seed=seed), store=store, device="cpu")
    return store.root


@pytest.fixture
def store(finished, tmp_path):
    """A copy of the finished runs that a test may spoil."""
    from lcs.runs import RunStore

    return RunStore(shutil.copytree(finished, tmp_path / "runs"))


@pytest.fixture
def record(store):
    """The β-LASSO run of that copy."""
    (found,) = (r for r in store.records() if r.config.optimizer == "beta-lasso")
    return found
