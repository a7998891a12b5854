"""Proof that a record came from this code: its first epochs trained anew and compared."""

from __future__ import annotations

from typing import Any, NamedTuple

from lcs.errors import ConfigError
from lcs.runs import Record
from lcs.train import Run, choose_device

# other processors and numbers of threads round sums differently; these differences stay small
# while a run is young
LOSS_TOLERANCE = 0.02
ACCURACY_TOLERANCE = 0.03


class Replay(NamedTuple):
    """Outcome of a replay: whether it agrees, and a report of it."""

    agrees: bool
    text: str


def replay(record: Record, epochs: int, device: str = "auto") -> Replay:
    """Train a record's first epochs anew and compare losses, accuracies and non-zeros.

    Raises:
        ConfigError: the record is not of a training run, or `epochs` is below 1.
    """
    if record.kind != "training":
        raise ConfigError(f"run {record.run_id} is no training run: only those can be replayed")
    if epochs < 1:
        raise ConfigError(f"epochs: {epochs} is out of range; give 1 or more")
    history = Run.start(record.config, choose_device(device)).replay(epochs)
    rows = range(len(history["epoch"]))
    lines = [_compared(record.history, history, row) for row in rows]
    if all(equal for equal, _, _ in lines):
        verdict = "equal to the last stored digit"
    elif all(close for _, close, _ in lines):
        verdict = "equal within rounding (other hardware, threads or versions)"
    else:
        verdict = "DIFFERENT: this code does not give this record"
    text = "\n".join([*(line for _, _, line in lines), f"run {record.run_id}: {verdict}"])
    return Replay(all(close for _, close, _ in lines), text)


def _compared(stored: dict[str, Any], anew: dict[str, Any], row: int) -> tuple[bool, bool, str]:
    """Return (equal, close, report) for one epoch."""
    parts, equal, close = [], True, True
    for name in ("train_loss", "train_accuracy", "test_accuracy", "validation_accuracy"):
        if name in stored:
            old, new = stored[name][row], float(f"{anew[name][row]:.8g}")
            allowed = LOSS_TOLERANCE * abs(old) if name == "train_loss" else ACCURACY_TOLERANCE
            equal, close = equal and old == new, close and abs(old - new) <= allowed
            parts.append(f"{name} {old:g} / {new:g}")
    for layer, counts in stored["nonzeros"].items():
        equal = equal and counts[row] == anew["nonzeros"][layer][row]
    return equal, close, f"epoch {stored['epoch'][row]} (stored / anew): {', '.join(parts)}"
