"""Background work of the service desk (scrm.core.pumps)."""

from scrm.core.pumps import Pump
from service_desk import detector, routing, waking, watching

WAKE = Pump("service_desk.wake", "events", waking.run_once, 5, waking.lag)
ROUTE = Pump("service_desk.route", "events", routing.run_once, 2, routing.lag)
CLOCKS = Pump("service_desk.clocks", "events", watching.run_once, 5, watching.lag)
LEARN = Pump("service_desk.learn", "bulk", detector.run_once, 30, detector.lag)
