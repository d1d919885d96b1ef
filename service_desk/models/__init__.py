from service_desk.models.conversation import Conversation, Entry
from service_desk.models.ticket import Ticket

__all__ = ["Conversation", "Entry", "Ticket"]
