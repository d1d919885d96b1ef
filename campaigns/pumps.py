"""Background work of the campaigns room (scrm.core.pumps)."""

from campaigns import launch
from campaigns.sending import dispatch
from scrm.core.pumps import Pump

LAUNCH = Pump("launch", "bulk", launch.run_once, 2, launch.lag)
DISPATCH = Pump("dispatch", "send", dispatch.run_once, 1, dispatch.lag)
