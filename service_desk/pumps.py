"""Background work of the service desk (scrm.core.pumps)."""

from scrm.core.pumps import Pump
from service_desk import waking

WAKE = Pump("service_desk.wake", "events", waking.run_once, 5, waking.lag)
