"""Who is at the desk."""

from datetime import timedelta

from django.db import transaction

from scrm.core import audit, live
from scrm.core.models import User
from scrm.lib import clock
from service_desk.models import AgentPresence

NOTED_EVERY = timedelta(minutes=1)


def note_seen(*, user: User) -> None:
    """The user does something at the desk. Written once a minute at most."""
    now = clock.real_now()
    held = AgentPresence.objects.filter(user=user)
    seen = held.values_list("seen_at", flat=True).first()
    if seen is None:
        AgentPresence.objects.get_or_create(user=user, defaults={"seen_at": now})
    elif seen < now - NOTED_EVERY:
        held.update(seen_at=now)


@transaction.atomic
def set_presence(*, away: bool, by: User) -> AgentPresence:
    """What the agent chose; audited, because assignment goes by it."""
    presence, _made = AgentPresence.objects.update_or_create(
        user=by, defaults={"away": away, "seen_at": clock.real_now()}
    )
    audit.record(by, "presence.updated", presence, state=str(presence.state))
    live.touch_on_commit("inbox")
    return presence
