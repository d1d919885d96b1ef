"""The background work of this room."""

from contacts import consumers, leads, membership
from scrm.core.pumps import Pump

CONSUMERS = Pump("consumers", "events", consumers.run_all, every=5, lag=consumers.lag)
SEGMENTS = Pump("segments", "bulk", membership.run, every=15, lag=membership.lag)
LEADS = Pump("leads", "bulk", leads.run, every=30, lag=leads.lag)
