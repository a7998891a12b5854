"""The loop over epochs that one run and several together share: time, checkpoints, progress."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from tqdm import tqdm

from lcs.config import recorded_epochs
from lcs.errors import ConfigError, Paused

# saving may take this share of the time
SAVING = 0.02


class Trainee(Protocol):
    """What goes through epochs: one run, or several that train together."""

    @property
    def title(self) -> str:
        """Name for the progress bar."""
        ...

    @property
    def name(self) -> str:
        """Name for messages, as in "run 0123abcdef-s0"."""
        ...

    @property
    def epochs(self) -> int:
        """Epochs of the whole training."""
        ...

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        ...

    def run_epoch(self, epoch: int, *, record: bool) -> None:
        """Train one epoch, counted from 0, and record its results if asked."""
        ...

    def spend(self, seconds: float) -> None:
        """Note the time of an epoch."""
        ...

    def save(self) -> None:
        """Write checkpoints."""
        ...


def descend(trainee: Trainee, clock: Clock) -> None:
    """Train to the last epoch, saving when it is time to.

    Raises:
        Paused: the time budget is over; the state is saved.
    """
    recorded = set(recorded_epochs(trainee.epochs))
    bar = tqdm(
        range(trainee.epoch, trainee.epochs),
        desc=trainee.title,
        initial=trainee.epoch,
        total=trainee.epochs,
        unit="epoch",
        disable=None,
    )
    for epoch in bar:
        if clock.over():
            trainee.save()
            raise Paused(
                f"{trainee.name} paused at epoch {epoch} of {trainee.epochs}: the time budget is "
                "spent; the same command goes on"
            )
        began = clock.elapsed
        trainee.run_epoch(epoch, record=epoch + 1 in recorded)
        trainee.spend(clock.took_epoch(began))
        if clock.checkpoint_due() and epoch + 1 < trainee.epochs:
            clock.save(trainee.save)
            if bar.disable:  # no terminal: a log
                text = f"{trainee.name} saved at epoch {epoch + 1} of {trainee.epochs}"
                print(text, file=sys.stderr)


class Clock:
    """Time budget of a call, the times of its epochs, and of its checkpoints.

    Args:
        budget_minutes: of the whole call, with its last checkpoint; None: as long as it takes.
        checkpoint_seconds: at least this time between checkpoints, and so long that saving takes
            at most a fiftieth of it; 0: after every epoch.

    Raises:
        ConfigError: a time is negative or not a number.
    """

    def __init__(self, budget_minutes: float | None, checkpoint_seconds: float) -> None:
        minutes = math.inf if budget_minutes is None else budget_minutes
        times = {"budget_minutes": minutes, "checkpoint_seconds": checkpoint_seconds}
        for name, value in times.items():
            if not value >= 0:
                raise ConfigError(f"{name}: {value!r} is out of range; give 0 or more")
        self.started = self.saved = time.monotonic()
        self.budget, self.interval = 60 * minutes, checkpoint_seconds
        self.recent: deque[float] = deque(maxlen=20)  # seconds of the last epochs
        self.saving = 0.0  # seconds of the last checkpoint

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self.started

    def took_epoch(self, began: float) -> float:
        """Note and return the seconds of an epoch that began at this time of `elapsed`."""
        self.recent.append(self.elapsed - began)
        return self.recent[-1]

    def save(self, action: Callable[[], None]) -> None:
        """Write checkpoints, and measure how long it takes."""
        began = self.elapsed
        action()
        self.saving = self.elapsed - began
        self.saved = time.monotonic()

    def checkpoint_due(self) -> bool:
        """Whether it is time to save."""
        least = max(self.interval, self.saving / SAVING) if self.interval else 0.0
        return time.monotonic() - self.saved >= least

    def over(self) -> bool:
        """Whether the budget will not do for one more epoch and a checkpoint."""
        needed = 1.5 * max(self.recent, default=0.0) + 2 * self.saving
        return self.elapsed + needed > self.budget
