"""Whether a record can have come from this code: its first epochs trained anew and compared."""

from __future__ import annotations

from typing import Any, NamedTuple

from lcs.errors import ConfigError
from lcs.runs import Record, RunStore, default_store
from lcs.runs.provenance import provenance
from lcs.runs.record_format import rounded
from lcs.train.clock import Clock
from lcs.train.device import choose_device, reporting_out_of_memory
from lcs.train.loop import start_run
from lcs.train.own_state import own_state
from lcs.train.run import ENVIRONMENT

# other processors and numbers of threads round sums differently; these differences stay small
# while a run is young: of the loss, in the first epoch and later, of the shares of hits and of
# non-zero weights, and of non-zero weights where only one of the two has all
FIRST_LOSS_TOLERANCE, LOSS_TOLERANCE = 0.005, 0.02
SHARE_TOLERANCE, FULL_TOLERANCE = 0.03, 0.001
# entries of the provenance; where all of these are the same, and on a CPU, so is every bit
SAME_FOR_BITS = (*ENVIRONMENT, "resumes")
# final measures that depend on the network and the data alone
FIXED = ("epoch", "weights", "evaluation_images")


class Replay(NamedTuple):
    """Outcome of a replay: whether it agrees, and a report of it."""

    agrees: bool
    text: str


def replay(record: Record, epochs: int, device: str = "auto") -> Replay:
    """Train a record's first epochs anew and compare all that it says of them.

    The results have to be equal where the record comes from the same code, versions, processor and
    number of threads, and was never resumed; elsewhere losses, accuracies and non-zeros have to be
    close, which a run of similar settings may be too. With its last epoch a run's final measures
    are compared as well.

    Raises:
        ConfigError: the record is not of a training run, or `epochs` is below 1.
        TrainingError: the loss is not finite, or the device is out of memory.
        As `lcs.train.loop.start_run`, where the run starts from another.
    """
    if record.kind != "training":
        raise ConfigError(f"run {record.run_id} is no training run: only those can be replayed")
    if epochs < 1:
        raise ConfigError(f"epochs: {epochs} is out of range; give 1 or more")
    chosen = choose_device(device)
    store = default_store()  # where its source is sought if the record lies outside of any store
    if record.path.match(f"{record.config.file}.json"):
        store = RunStore(record.path.parents[1], fallback=store)
    with own_state(chosen), reporting_out_of_memory(record.config):
        run = start_run(record.config, store, chosen, Clock(None, 60.0))
        anew = rounded(run.replay(epochs))
        final = rounded(run.final(run.filters())) if epochs >= record.config.epochs else None
    compared = [_compare_epoch(record, anew, row) for row in range(len(anew["epoch"]))]
    if final is not None:
        compared.append(_compare_final(record, final))
    equal = all(part.equal for part in compared)
    here = {**provenance(chosen), "resumes": 0}
    same = (
        chosen.type == "cpu"
        and all(record.provenance.get(name) == here[name] for name in SAME_FOR_BITS)
        and all(one.get("source_as_recorded", True) for one in (record.provenance, run.provenance))
    )
    close = all(part.close for part in compared) and not same
    if equal:
        verdict = "equal to the last stored digit"
    elif close:
        verdict = "close, as other code, hardware, threads or versions may make it"
    else:
        verdict = "DIFFERENT: this code does not give this record"
    lines = [*(part.text for part in compared), f"run {record.run_id}: {verdict}"]
    return Replay(equal or close, "\n".join(lines))


class _Comparison(NamedTuple):
    """Results stored and computed anew: equal, close, and a line that says it."""

    equal: bool
    close: bool
    text: str


def _compare_epoch(record: Record, anew: dict[str, Any], row: int) -> _Comparison:
    def at_row(column: Any) -> Any:  # a column may have a list for each layer
        return {k: v[row] for k, v in column.items()} if type(column) is dict else column[row]

    stored, new = (
        {name: at_row(column) for name, column in history.items()}
        for history in (record.history, anew)
    )
    shown = ("train_loss", "train_accuracy", record.config.accuracy_name)
    parts = [f"{name} {stored[name]:g} / {new[name]:g}" for name in shown]
    counts = stored["nonzeros"]
    parts += [f"{layer} {count} / {new['nonzeros'][layer]}" for layer, count in counts.items()]
    of_loss = FIRST_LOSS_TOLERANCE if stored["epoch"] == 1 else LOSS_TOLERANCE
    close = stored["epoch"] == new["epoch"] and all(
        abs(stored[name] - new[name])
        <= (of_loss * abs(stored[name]) if name == "train_loss" else SHARE_TOLERANCE)
        for name in shown
    )
    text = f"epoch {stored['epoch']} (stored / anew): {', '.join(parts)}"
    return _Comparison(_equal(stored, new), close and _close_counts(record, counts, new), text)


def _compare_final(record: Record, anew: dict[str, Any]) -> _Comparison:
    stored, name = record.final, "clean_train_accuracy"
    close = abs(stored[name] - anew[name]) <= SHARE_TOLERANCE and all(
        stored[name] == anew[name] for name in FIXED
    )
    same = _equal(stored, anew)
    text = (
        f"final measures: {name} {stored[name]:g} / {anew[name]:g}, "
        f"all {'equal' if same else 'not equal'}"
    )
    return _Comparison(same, close and _close_counts(record, stored["nonzeros"], anew), text)


def _close_counts(record: Record, counts: dict[str, int], anew: dict[str, Any]) -> bool:
    for layer, count in counts.items():
        whole, new = record.final["weights"][layer], anew["nonzeros"][layer]
        one_is_full = (count == whole) != (new == whole)
        if abs(count - new) > (FULL_TOLERANCE if one_is_full else SHARE_TOLERANCE) * whole:
            return False
    return True


def _equal(stored: dict[str, Any], anew: dict[str, Any]) -> bool:
    """Whether all that is stored is equal; an earlier lcs stored less, or by other names."""
    return all(stored[name] == anew[name] for name in stored.keys() & anew.keys())
