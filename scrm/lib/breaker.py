"""After a failure, leave the other side alone for a moment: a dead Redis costs one time-out, not one per call."""

import time


class Breaker:
    """Per process; a lost race between threads only means one more attempt."""

    def __init__(self, pause_seconds: float) -> None:
        self._pause = pause_seconds
        self._until = 0.0

    @property
    def tripped(self) -> bool:
        return time.monotonic() < self._until

    def trip(self) -> None:
        self._until = time.monotonic() + self._pause

    def reset(self) -> None:
        self._until = 0.0
