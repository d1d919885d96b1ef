"""What becomes of tickets when two contacts become one, and two again; runs after the conversations (service_desk.merging)."""

from scrm.core import live
from service_desk.models import Ticket


def merged(survivor_id: int, other_id: int) -> None:
    """Tickets go to the survivor, each on its own conversation: two that are open stay two."""
    Ticket.objects.filter(contact_id=other_id).update(contact_id=survivor_id)
    live.touch_on_commit("tickets")


def unmerged(survivor_id: int, other_id: int) -> None:
    """A ticket goes with its conversation. One without stays: nobody can tell whose it was."""
    Ticket.objects.filter(contact_id=survivor_id, conversation__contact_id=other_id).update(contact_id=other_id)
    live.touch_on_commit("tickets")
