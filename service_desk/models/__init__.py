from service_desk.models.canned import CannedReply
from service_desk.models.conversation import Conversation, Entry
from service_desk.models.desk import (
    AgentProfile,
    ChannelDesk,
    Correction,
    DeskSettings,
    DetectorVersion,
    Survey,
    TicketOffer,
)
from service_desk.models.presence import AgentPresence
from service_desk.models.sla import Breach, CalendarVersion, SlaPolicy, TicketSpan, TicketWait
from service_desk.models.ticket import Ticket

__all__ = [
    "AgentPresence",
    "AgentProfile",
    "Breach",
    "CalendarVersion",
    "CannedReply",
    "ChannelDesk",
    "Conversation",
    "Correction",
    "DeskSettings",
    "DetectorVersion",
    "Entry",
    "SlaPolicy",
    "Survey",
    "Ticket",
    "TicketOffer",
    "TicketSpan",
    "TicketWait",
]
