from analytics.models.counts import DailyCount, FirstTouch, ProgrammeCount
from analytics.models.effect import ChannelTerms, Credit, ProgrammeSent, Spend, Touch
from analytics.models.report import Report

__all__ = [
    "ChannelTerms",
    "Credit",
    "DailyCount",
    "FirstTouch",
    "ProgrammeCount",
    "ProgrammeSent",
    "Report",
    "Spend",
    "Touch",
]
