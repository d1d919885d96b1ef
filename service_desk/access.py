"""The way to get a conversation: 404 for what the user may not see; the permission itself is checked by the view."""

from django.db.models import QuerySet

from contacts.models import Contact
from scrm.core.access import fetch
from scrm.core.enums import Permission
from scrm.core.models import User
from service_desk.models import Conversation


def conversation_for(user: User, pk: int) -> Conversation:
    """The conversation with its customer, if the user may see that customer; else 404."""
    rows = Conversation.objects.visible_to(user).select_related("contact__owner", "assignee", "team")
    return fetch(rows, pk=pk)


def colleagues() -> QuerySet[User]:
    """Everybody who works at the desk."""
    return User.objects.able(Permission.SERVICE_WORK).select_related("role", "team").order_by("name", "id")


def may_see(user: User, contact: Contact) -> bool:
    """Would this colleague see the customer, so that a conversation can be given to them?"""
    if user.scope == "all":
        return True
    if contact.owner_id == user.pk:
        return True
    return user.scope == "team" and user.team_id is not None and contact.team_id == user.team_id
