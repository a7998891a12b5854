"""The clock of a call: its time budget, and when checkpoints are due."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from lcs.errors import ConfigError

# share of the time that saving checkpoints may take
MAX_SAVING_SHARE = 0.02


class Clock:
    """Time budget of a call, the times of its epochs, and of its checkpoints.

    Args:
        budget_minutes: of the whole call, with its last checkpoint; None: no limit.
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
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.budget - self.elapsed

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
        least = max(self.interval, self.saving / MAX_SAVING_SHARE) if self.interval else 0.0
        return time.monotonic() - self.saved >= least

    def over(self) -> bool:
        """Whether the budget does not suffice for one more epoch and a checkpoint."""
        needed = 1.5 * max(self.recent, default=0.0) + 2 * self.saving
        return self.elapsed + needed > self.budget
