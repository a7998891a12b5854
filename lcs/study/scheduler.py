"""How the runs of a study are handed to an executor, and what becomes of them.

The store is the queue: a run that has a record is not trained again, and the lock of its checkpoint
lets one process train it; the others put it back until it is done there, or free.
"""

import concurrent.futures
import functools
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from typing import Any

from lcs import errors
from lcs.config import Config
from lcs.errors import Diverged, InProgress, LcsError, Paused, TrainingError, one_line
from lcs.study import cost
from lcs.study.executors import StudyExecutor

POLL_SECONDS = 2.0  # between two looks at a run that another process holds
PROGRESS_SECONDS = 30.0

# what kept the runs of a group from their records, by their ids: `InProgress` if another process
# trains one; and for ALL the error or pause that stops all runs
Errors = dict[str, LcsError]
ALL = "all"


def train_all(
    groups: Sequence[Sequence[Config]],
    executor: StudyExecutor,
    *,
    budget_minutes: float,
    work: Callable[..., Errors] | None = None,
    seconds: Mapping[Config, float | None] | None = None,
    **options: Any,
) -> None:
    """Train groups of runs, in their order, within one budget; say how far they are.

    `work`, `attempt` unless given, is called with a group where the executor trains, and with the
    options, those of `lcs.train.train_group`. `seconds` says about how long each run takes.

    The first TrainingError or CheckpointError is raised once all others are done, any other
    LcsError, which concerns all runs, at once, and a pause once all that is running has paused.
    """
    began, deadline = time.monotonic(), time.time() + 60 * budget_minutes  # by any machine's clock
    call = functools.partial(work or attempt, deadline=deadline, **options)
    waiting, held = [*groups], list[Sequence[Config]]()
    running: dict[Future[Errors], Sequence[Config]] = {}
    share = {c: (seconds or {}).get(c) or 1.0 for group in groups for c in group}
    done, failures = set[Config](), dict[str, LcsError]()
    pause: LcsError | None = None
    again, said = 0.0, began
    try:
        while running or ((waiting or held) and not pause):
            if held and time.monotonic() >= again:
                waiting, held = waiting + held, []
            if waiting and not pause and (executor.has_queue or not running):
                # what starts from one of these runs comes after it
                before = {c.file for group in (*waiting, *held, *running.values()) for c in group}
                ready = [g for g in waiting if not before & {c.source_file for c in g}]
                for group in ready if executor.has_queue else ready[:1]:
                    waiting.remove(group)
                    running[executor.submit(call, group)] = group
            if not running:  # others train what is left
                if time.time() >= deadline:
                    pause = Paused("the time budget is spent; other processes train what is left")
                time.sleep(POLL_SECONDS)
            for future in concurrent.futures.wait(running, POLL_SECONDS, FIRST_COMPLETED).done:
                group = running.pop(future)
                try:
                    found = future.result()
                except executor.lost as error:
                    ids = [config.run_id for config in group]
                    reason = f"lost with its worker: run {', '.join(ids)} ({one_line(error)})"
                    found = dict.fromkeys(ids, TrainingError(reason))
                stop = found.pop(ALL, None)
                failed = {i: e for i, e in found.items() if not isinstance(e, InProgress)}
                failures |= failed
                # a pause of another run would hide it
                for failure in dict.fromkeys(failed.values()):
                    print(failure, file=sys.stderr, flush=True)
                if stop and not isinstance(stop, Paused):
                    raise stop
                pause = stop or pause
                if not stop:  # a pause leaves open which of its group are done
                    done |= {config for config in group if config.run_id not in found}
                if back := [c for c in group if c.run_id in found.keys() - failed]:
                    held.append(back)
                    again = time.monotonic() + POLL_SECONDS
            if time.monotonic() - said >= PROGRESS_SECONDS:
                said = time.monotonic()
                text = f"{len(done)} of {len(share)} runs done, {len(failures)} failed"
                if done:
                    left = sum(share[c] for c in share.keys() - done if c.run_id not in failures)
                    finished = sum(share[c] for c in done)
                    text += f", {cost.about(left * (said - began) / finished)} left"
                print(text, file=sys.stderr, flush=True)
    except BaseException as error:
        if isinstance(error, Exception) and (reason := executor.why_ended(error)):
            raise TrainingError(reason) from error
        executor.stop()
        raise
    if pause or failures:
        raise pause or next(iter(failures.values()))


def attempt(configs: Sequence[Config], *, deadline: float, **options: Any) -> Errors:
    """Train a group until `deadline`, a `time.time()`; one by one after a failure."""
    from lcs.train import train_group

    failed: Errors = {}

    def keep(error: TrainingError) -> None:
        failed[error.run_id] = error

    minutes = (deadline - time.time()) / 60
    if minutes <= 0:
        return {ALL: Paused("the time budget is spent; the same command goes on")}
    try:
        train_group(configs, budget_minutes=minutes, on_failure=keep, **options)
        return {}
    except LcsError as raised:
        error = raised.with_traceback(None)  # whose frames keep the run in memory
    of_runs = isinstance(error, TrainingError | errors.CheckpointError)
    if isinstance(error, errors.DiskError) or not of_runs:
        return failed | {ALL: error}
    if len(configs) == 1:
        return {configs[0].run_id: error}
    # other failures, as of memory that is full, may not recur where a run trains alone
    found: Errors = {i: each for i, each in failed.items() if isinstance(each, Diverged)}
    for each in dict.fromkeys([*failed.values(), error]):
        if not isinstance(each, Diverged | InProgress):
            print(f"{each}; what is missing is trained one by one", file=sys.stderr)
    for config in configs:
        if ALL not in found and config.run_id not in found:
            found |= attempt([config], deadline=deadline, **options)
    return found
