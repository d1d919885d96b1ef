"""Background work of the channels room."""

from channels_ingest import ingest, polling
from scrm.core.pumps import Pump

INGEST = Pump(name="ingest", queue="ingest", run=ingest.run_once, every=2, lag=ingest.lag)
POLL = Pump(name="poll", queue="ingest", run=polling.run_once, every=2, lag=polling.lag)
EXPIRE = Pump(
    name="expire_deliveries",
    queue="bulk",
    run=ingest.expire,
    every=3600,
    lag=lambda: {"waiting": 0, "oldest_seconds": 0},
)
