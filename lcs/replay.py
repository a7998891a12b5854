"""Proof that a record came from this code: its first epochs trained anew and compared."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from lcs.errors import ConfigError
from lcs.run import ENVIRONMENT, Run
from lcs.runs import Record, provenance, rounded
from lcs.train import choose_device, enough_memory

# other processors and numbers of threads round sums differently; these differences stay small
# while a run is young: of the loss, and of the shares of hits and of non-zero weights
LOSS_TOLERANCE = 0.02
SHARE_TOLERANCE = 0.03
# where all of these are the same, and on a CPU, so is every bit
ORIGIN = (*ENVIRONMENT, "resumes")


class Replay(NamedTuple):
    """Outcome of a replay: whether it agrees, and a report of it."""

    agrees: bool
    text: str


def replay(record: Record, epochs: int, device: str = "auto") -> Replay:
    """Train a record's first epochs anew and compare losses, accuracies and non-zeros.

    They have to be equal where the record comes from the same code, versions, processor and number
    of threads, and was never resumed; they have to be close elsewhere.

    Raises:
        ConfigError: the record is not of a training run, or `epochs` is below 1.
        TrainingError: the loss is not finite, or the device is out of memory.
    """
    if record.kind != "training":
        raise ConfigError(f"run {record.run_id} is no training run: only those can be replayed")
    if epochs < 1:
        raise ConfigError(f"epochs: {epochs} is out of range; give 1 or more")
    chosen = choose_device(device)
    with enough_memory(record.config):
        anew = Run.start(record.config, chosen).replay(epochs)
    compared = [_compared(record, anew, row) for row in range(len(anew["epoch"]))]
    equal = all(epoch.equal for epoch in compared)
    close = all(epoch.close for epoch in compared) and not _same_origin(record, chosen)
    if equal:
        verdict = "equal to the last stored digit"
    elif close:
        verdict = "equal within rounding (other code, hardware, threads or versions)"
    else:
        verdict = "DIFFERENT: this code does not give this record"
    lines = [*(epoch.text for epoch in compared), f"run {record.run_id}: {verdict}"]
    return Replay(equal or close, "\n".join(lines))


class _Epoch(NamedTuple):
    """One epoch stored and trained anew: equal, close, and a line that says it."""

    equal: bool
    close: bool
    text: str


def _compared(record: Record, anew: dict[str, Any], row: int) -> _Epoch:
    stored, equal, close, parts = record.history, True, True, []
    for name in ("train_loss", "train_accuracy", "test_accuracy", "validation_accuracy"):
        if name in stored:
            old, new = stored[name][row], rounded(anew[name][row])
            allowed = LOSS_TOLERANCE * abs(old) if name == "train_loss" else SHARE_TOLERANCE
            equal, close = equal and old == new, close and abs(old - new) <= allowed
            parts.append(f"{name} {old:g} / {new:g}")
    for layer, counts in stored["nonzeros"].items():
        old, new = counts[row], anew["nonzeros"][layer][row]
        allowed = SHARE_TOLERANCE * record.final["weights"][layer]
        equal, close = equal and old == new, close and abs(old - new) <= allowed
        parts.append(f"{layer} {old} / {new}")
    return _Epoch(equal, close, f"epoch {stored['epoch'][row]} (stored / anew): {', '.join(parts)}")


def _same_origin(record: Record, device: torch.device) -> bool:
    here = {**provenance(device), "resumes": 0}
    same = all(record.provenance.get(name) == here[name] for name in ORIGIN)
    alone = "together" not in record.provenance.get("modes", ())
    return same and alone and device.type == "cpu"
