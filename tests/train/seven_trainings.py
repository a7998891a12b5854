"""Seven trainings of all kinds of numeric code, to tell whether two versions have equal bits.

    python tests/train/seven_trainings.py             # a digest of each, by the code of this folder
    python tests/train/seven_trainings.py REVISION    # the same by another revision, in a work tree

With a revision, the two code hashes are declared equal in `lcs/runs/equal_code.json` if all seven
digests are equal. Takes a minute or two; data are made, not downloaded.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALL = {"dataset": "process-1", "train_share": 0.05, "epochs": 4, "augment": "crop", "lr": 0.05}
LASSO = {**ALL, "optimizer": "beta-lasso", "beta": 50.0}
TRAININGS = {
    "eager fp32": {**ALL, "momentum": 0.9, "weight_decay": 1e-3, "base_channels": 2},
    "compiled bf16": {**LASSO, "l1": 1e-5, "precision": "bf16", "base_channels": 14},
    "frozen zeros": {**LASSO, "l1": 6.2e-4, "frozen_zeros": True, "base_channels": 8,
                     "precision": "bf16"},
    "SET": {**ALL, "pruning": "set", "density": 0.01, "base_channels": 8, "precision": "bf16"},
    "growing λ": {**LASSO, "l1": 1e-5, "l1_growth": 0.5, "l1_window": "learned"},
    "spred": {**ALL, "optimizer": "spred", "l1": 1e-4, "momentum": 0.9},
    "started from another, killed and resumed": {**ALL, "start": "network", "model": "s-local"},
}  # fmt: skip
SOURCE = {**ALL, "model": "s-conv"}


def main():
    here = digests(ROOT)
    if len(sys.argv) == 1:
        print(json.dumps(here, indent=1, ensure_ascii=False))
        return
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", str(ROOT), "worktree"]
        tree = Path(folder, "lcs")
        subprocess.run([*git, "add", "--detach", "--quiet", tree, sys.argv[1]], check=True)
        try:
            there = digests(tree)
        finally:
            subprocess.run([*git, "remove", "--force", tree], check=True)
    for name in TRAININGS:
        print(f"{name}: {'equal' if here[name] == there[name] else 'DIFFERENT'}")
    if any(here[name] != there[name] for name in TRAININGS):
        sys.exit("the numbers differ: the two are not declared equal")
    declare_equal(there["code"], here["code"])


def digests(tree):
    """Return the code hash of a checkout, and a digest of each training's results and weights."""
    with tempfile.TemporaryDirectory() as folder:
        own = {f"LCS_{name}": f"{folder}/{name}" for name in ("CHECKPOINTS", "STORE")}
        environment = {**os.environ, **own, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}

        def start(*words):
            return subprocess.Popen(
                [sys.executable, *words], env=environment, cwd=tree, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip

        def result(config, killed=False):
            words = [__file__, "--one", json.dumps(config), folder]
            process = start(*words)
            if killed:
                saved = Path(folder, "CHECKPOINTS")
                before = {*saved.glob("*.safetensors")}
                while process.poll() is None and {*saved.glob("*.safetensors")} == before:
                    time.sleep(0.01)
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = start(*words)
            output, _ = process.communicate()
            assert process.returncode == 0, (tree, config)
            return json.loads(output)

        hashed = "from lcs.runs.provenance import code_hash; print(code_hash())"
        assert start("-m", "lcs", "data", "get", ALL["dataset"]).wait() == 0
        found = {"code": start("-c", hashed).communicate()[0].strip()}
        source = result(SOURCE)["file"].rpartition("-s")[0]
        for name, config in TRAININGS.items():
            own = {"source": source} if "start" in config else {}
            found[name] = result(config | own, killed=bool(own))
        return found


def train(values, folder):
    """Train one run of the code that is imported; print a digest of its record and weights."""
    from safetensors.numpy import load_file

    from lcs.config import Config
    from lcs.runs import RunStore
    from lcs.train import train_group

    config = Config(**values)
    kept = [config.file]  # its network is kept beside the checkpoints
    (record,) = train_group(
        [config], store=RunStore(folder), device="cpu", checkpoint_seconds=0, sources=kept
    )
    digest = hashlib.sha256(json.dumps([record.history, record.final]).encode())
    (network,) = Path(folder, "CHECKPOINTS").glob(f"{config.run_id}-*.safetensors")
    for name, array in sorted(load_file(network).items()):
        if name.startswith("model."):
            digest.update(name.encode() + array.tobytes())
    modes = record.provenance["modes"]
    print(json.dumps({"file": config.file, "modes": modes, "digest": digest.hexdigest()}))


def declare_equal(*hashes):
    """Put hashes into one group of the committed list."""
    path = ROOT / "lcs" / "runs" / "equal_code.json"
    groups = json.loads(path.read_text(encoding="utf-8"))["groups"]
    joined = [group for group in groups if {*group} & {*hashes}]
    others = [group for group in groups if group not in joined]
    new = list(dict.fromkeys([*(code for group in joined for code in group), *hashes]))
    text = json.dumps({"groups": [*others, new]}, indent=1)
    path.write_text(f"{text}\n", encoding="utf-8")
    print(f"declared equal: {', '.join(code[:12] for code in new)}")


if __name__ == "__main__":
    train(json.loads(sys.argv[2]), sys.argv[3]) if sys.argv[1:2] == ["--one"] else main()
