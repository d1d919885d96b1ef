from service_desk.models.canned import CannedReply
from service_desk.models.conversation import Conversation, Entry
from service_desk.models.presence import AgentPresence
from service_desk.models.ticket import Ticket

__all__ = ["AgentPresence", "CannedReply", "Conversation", "Entry", "Ticket"]
