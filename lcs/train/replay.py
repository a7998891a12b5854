"""Whether a record can have come from this code, or from that of its own commit."""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import torch

from lcs.errors import ConfigError, TrainingError
from lcs.runs import Record, RunStore, default_store
from lcs.runs.numeric_core import PACKAGE, same_code
from lcs.runs.provenance import NUMERIC_PACKAGES, plain_environment, provenance
from lcs.runs.record_format import rounded
from lcs.train.device import choose_device, own_state, reporting_out_of_memory
from lcs.train.loop import TimeBudget
from lcs.train.training import start_run

# other processors and threads round differently, by little while a run is young: the loss, in the
# first epoch and later, shares of hits and of non-zeros, and of those where only one has all
FIRST_LOSS_TOLERANCE, LOSS_TOLERANCE = 0.005, 0.02
SHARE_TOLERANCE, FULL_TOLERANCE = 0.03, 0.001
VERSIONS = ("python", *NUMERIC_PACKAGES)
# entries of the provenance, and versions; where all of these are the same, on a CPU, so are bits
SAME_FOR_BITS = ("code", "device", "hardware", "threads", "instructions", *VERSIONS)
# measures that depend on the network and the data alone, and those that have to be close
FIXED = {"epoch", "weights", "evaluation_images"}
COMPARED = ("train_loss", "train_accuracy", "test_accuracy", "validation_accuracy",
            "clean_train_accuracy")  # fmt: skip

# by the `replay` that every commit has; what its methods of `Run` return is compared here
AT_COMMIT = """
import json, sys
from pathlib import Path
folder, run_id, epochs, device = sys.argv[1:]
found = {}
def keep(name, method):
    def kept(run, *given):
        found[name] = method(run, *given)
        found["provenance"] = getattr(run, "provenance", {})
        return found[name]
    setattr(Run, name, kept)
try:
    from lcs.runs import RunStore
    try:
        from lcs.train.replay import replay
    except ModuleNotFoundError:
        from lcs.replay import replay
    modules = map(sys.modules.get, ("lcs.train.loop", "lcs.train.run", "lcs.run", "lcs.train"))
    Run = next(module.Run for module in modules if hasattr(module, "Run"))
    for name in {"replay", "final"} & vars(Run).keys():
        keep(name, getattr(Run, name))
    (record,) = (r for r in RunStore(folder + "/runs").records() if r.run_id == run_id)
    replay(record, int(epochs), device)
except BaseException as error:  # Ctrl-C, too
    found["error"] = f"{type(error).__name__}: {error}"
Path(folder, "found.json").write_text(json.dumps(found), encoding="utf-8")
"""


class Replay(NamedTuple):
    """Outcome of a replay: whether it agrees, and a report of it."""

    agrees: bool
    text: str


def replay(record: Record, epochs: int, device: str = "auto", at_commit: bool = False) -> Replay:
    """Train a training run's first epochs anew and compare all that its record says of them.

    Where code, versions, processor and number of threads are the record's, on a CPU, the results
    have to be equal, else losses, accuracies and non-zeros close; stderr says which. With the last
    epoch, the final measures are compared as well. `at_commit` trains by the code of the record's
    own commit, with its number of threads, and on its device if that is "auto".

    A ConfigError says that there is no such run, epoch, commit or device, a TrainingError that the
    commit's code fails; others are those of `lcs.train.train`.
    """
    name, origin = f"run {record.run_id}", record.provenance
    if record.kind != "training":
        raise ConfigError(f"{name} is no training run: only those can be replayed")
    if epochs < 1:
        raise ConfigError(f"epochs: {epochs} is out of range; give 1 or more")
    chosen = choose_device(origin["device"] if at_commit and device == "auto" else device)
    store = default_store()  # where its source is sought if the record lies outside of any store
    if record.path.match(f"{record.config.file}.json"):
        store = RunStore(record.path.parents[1], fallback=store)
    here = provenance(chosen)
    if at_commit:
        here["threads"] = origin["threads"]
        if origin["unmodified"]:
            here["code"] = origin["code"]
    differences = _differences(origin, here)
    whether = f"not demanded ({'; '.join(differences)})" if differences else "demanded"
    print(f"{name}: equal bits are {whether}", file=sys.stderr, flush=True)
    if at_commit:
        found = _train_at_commit(record, epochs, chosen, store)
    else:
        with own_state(chosen), reporting_out_of_memory(record.config):
            run = start_run(record.config, store, chosen, TimeBudget(None, 60.0))
            found = {"replay": run.replay(epochs), "provenance": run.provenance}
            if epochs >= record.config.epochs:
                found["final"] = run.final(run.filters())
    anew = rounded(found["replay"])
    pairs = {
        f"epoch {epoch}": (_at_row(record.history, row), _at_row(anew, row))
        for row, epoch in enumerate(anew["epoch"])
    }
    if "final" in found:
        pairs["final measures"] = record.final, rounded(found["final"])
    whole = record.final["weights"]
    equal, close, lines = zip(*(_compare(t, *p, whole) for t, p in pairs.items()), strict=True)
    demanded = not differences and found["provenance"].get("source_as_recorded", True)
    agrees = all(equal) or (all(close) and not demanded)
    verdict = "DIFFERENT: this code does not give this record"
    if all(equal):
        verdict = "equal to the last stored digit"
    elif agrees:
        verdict = "close, as other code, hardware, threads or versions may make it"
    return Replay(agrees, "\n".join([*lines, f"{name}: {verdict}"]))


def _differences(origin: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Say why equal bits cannot be demanded, of which `before_resume` tells more."""
    stages = [origin, *origin.get("before_resume", [])]
    stages += [{"code": origin["code_before_resume"]}] if "code_before_resume" in origin else []
    now, found = here | here["packages"], {}
    for told in [stage | stage.get("packages", {}) for stage in stages]:
        for name in [name for name in SAME_FOR_BITS if name in told]:
            if name == "code" and not same_code(told[name], now[name]):
                found[name] = "other"
            elif name != "code" and told[name] != now[name]:
                found[name] = f"record has {told[name]}, here {now[name]}"
    if here["device"] != "cpu":
        found.setdefault("device", "a GPU adds in no fixed order")
    if not origin.get("source_as_recorded", True):
        found["source"] = "not as recorded"
    return [f"{name}: {text}" for name, text in found.items()]


def _train_at_commit(
    record: Record, epochs: int, device: torch.device, store: RunStore
) -> dict[str, Any]:
    """Train by this package as it was at a record's commit, in a process and folders of its own."""
    root, commit = str(PACKAGE.parent), record.provenance["commit"] or "none"
    command = ["git", "-C", root, "archive", "--format=zip", "--end-of-options", commit, "lcs"]
    try:
        package = subprocess.run(command, env=plain_environment(), capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        advice = "clone the repository of lcs or, in a shallow clone, `git fetch --unshallow`"
        reason = f"there is no commit {commit} in {root}; {advice}"
        raise ConfigError(f"run {record.run_id}: {reason}") from error
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(io.BytesIO(package.stdout)).extractall(folder)
        runs = RunStore(f"{folder}/runs")
        one: Record | None = record
        while one:  # with its source, and that one's
            runs.import_record(one.path, filters=False)
            one = store.named(source) if (source := one.config.source_file) else None
        environment = plain_environment() | {
            "PYTHONPATH": os.pathsep.join([folder, os.environ.get("PYTHONPATH", "")]),
            "LCS_STORE": str(runs.root),
            "LCS_CHECKPOINTS": f"{folder}/checkpoints",
        }
        if threads := record.provenance["threads"]:
            environment["OMP_NUM_THREADS"] = str(threads)
        words = [folder, record.run_id, str(epochs), str(device)]
        command = [sys.executable, "-P", "-c", AT_COMMIT, *words]
        status = subprocess.run(command, env=environment, cwd=folder).returncode
        found = {"error": f"its process ended with {status}"}
        if status == 0:
            found = json.loads(Path(folder, "found.json").read_text(encoding="utf-8"))
    if "replay" not in found:
        raise TrainingError(f"run {record.run_id}: at its commit, {found['error']}")
    return found


def _compare(
    title: str, stored: dict[str, Any], anew: dict[str, Any], weights: dict[str, int]
) -> tuple[bool, bool, str]:
    """Return whether measures are equal, whether they are close, and a line that says it."""
    of_loss = FIRST_LOSS_TOLERANCE if stored["epoch"] == 1 else LOSS_TOLERANCE
    close = all(stored[name] == anew[name] for name in FIXED & stored.keys())
    parts = []
    for name in (name for name in COMPARED if name in stored):
        most = of_loss * abs(stored[name]) if name == "train_loss" else SHARE_TOLERANCE
        close &= abs(stored[name] - anew[name]) <= most
        parts.append(f"{name} {stored[name]:g} / {anew[name]:g}")
    for layer, count in stored["nonzeros"].items():
        new, whole = anew["nonzeros"][layer], weights[layer]
        share = FULL_TOLERANCE if (count == whole) != (new == whole) else SHARE_TOLERANCE
        close &= abs(count - new) <= max(2, share * whole)  # of a small layer a weight or two
        parts.append(f"{layer} {count} / {new}")
    # an earlier lcs stored less, or by other names
    equal = all(stored[name] == anew[name] for name in stored.keys() & anew.keys())
    parts.append("all equal" if equal else "not equal")
    return equal, close, f"{title} (stored / anew): {', '.join(parts)}"


def _at_row(history: dict[str, Any], row: int) -> dict[str, Any]:
    """Return the measures of a recorded epoch; a column may have a list for each layer."""
    return {
        name: {k: v[row] for k, v in column.items()} if type(column) is dict else column[row]
        for name, column in history.items()
    }
