"""Background work of the analytics room."""

from analytics import reports
from scrm.core.pumps import Pump

REPORTS = Pump(name="reports", queue="bulk", run=reports.run, every=10, lag=reports.lag)
