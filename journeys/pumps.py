"""The one pump of the room: people whose time has come, subscriptions to check again, journeys to empty."""

from journeys import engine, subscriptions
from scrm.core.pumps import Pump


def run() -> bool:
    """One batch of each kind of work; True while any of them was full."""
    moved = engine.advance()
    checked = subscriptions.check()
    closed = engine.close_ended()
    if not moved:
        engine.compact_counts()
    return bool(moved or checked or closed)


ADVANCE = Pump(name="journeys.advance", queue="journeys", run=run, every=2, lag=engine.waiting)
