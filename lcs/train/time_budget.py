"""The time budget of a call, and when its checkpoints are due."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from lcs.errors import ConfigError

# share of the time that saving checkpoints may take
MAX_SAVING_SHARE = 0.02


class TimeBudget:
    """How long a call may still train, with its last checkpoint, and when it saves.

    There are at least `checkpoint_seconds` between checkpoints, and so long that saving takes at
    most a fiftieth; with 0, each epoch is saved. A ConfigError refuses times below 0 and NaN.
    """

    def __init__(self, budget_minutes: float | None, checkpoint_seconds: float) -> None:
        minutes = math.inf if budget_minutes is None else budget_minutes
        times = {"budget_minutes": minutes, "checkpoint_seconds": checkpoint_seconds}
        for name, value in times.items():
            if not value >= 0:
                raise ConfigError(f"{name}: {value!r} is out of range; give 0 or more")
        self._started = time.monotonic()
        self._budget, self._interval = 60 * minutes, checkpoint_seconds
        self._saved = 0.0  # when the last checkpoint was written
        self.epochs: deque[float] = deque(maxlen=20)  # seconds of the last epochs
        self.saving = 0.0  # seconds of the last checkpoint

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self._budget - self.elapsed

    def over(self) -> bool:
        """Whether the budget does not suffice for one more epoch and a checkpoint."""
        return self.left < 1.5 * max(self.epochs, default=0.0) + 2 * self.saving

    def checkpoint_due(self) -> bool:
        """Whether it is time to save."""
        least = max(self._interval, self.saving / MAX_SAVING_SHARE) if self._interval else 0.0
        return self.elapsed - self._saved >= least

    def save(self, action: Callable[[], None]) -> None:
        """Write checkpoints, and measure how long it takes."""
        began = self.elapsed
        action()
        self._saved = self.elapsed
        self.saving = self._saved - began
