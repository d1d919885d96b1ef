"""Who gets a new lead."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Count, Max, Q
from django.utils.translation import gettext_noop

from contacts import segments
from contacts.enums import OPEN_LEADS
from contacts.models import AssignRule, Contact
from scrm.core.enums import Permission
from scrm.core.models import User

EVERYBODY = gettext_noop("Everybody")
"""Name of the rule that a new installation starts with."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class _Desk:
    """Sales people with what they have on their desks; counts as it hands out."""

    def __init__(self) -> None:
        managing = User.objects.able(Permission.LEADS_MANAGE).values("pk")
        rows = User.objects.able(Permission.LEADS_WORK).exclude(pk__in=managing)
        rows = rows.annotate(
            open_leads=Count("leads", filter=Q(leads__state__in=OPEN_LEADS)), last_given=Max("leads__assigned_at")
        )
        self.people = {user.pk: user for user in rows}

    def take(self, rule: AssignRule, now: datetime) -> User | None:
        able = [
            user
            for user in self.people.values()
            if (rule.team_id is None or user.team_id == rule.team_id) and user.open_leads < rule.most_open
        ]
        if not able:
            return None
        return self.give(min(able, key=lambda user: (user.open_leads, user.last_given or _LONG_AGO, user.pk)), now)

    def give(self, user: User, now: datetime) -> User:
        user.open_leads += 1
        user.last_given = now
        return user


def owners(contacts: Iterable[Contact], now: datetime) -> dict[int, User]:
    """Contact -> sales person, without those for whom nobody has room. A contact's own sales person keeps it. One statement
    per rule. Callers hold the locks of the contacts, and only one consumer opens leads, so nobody is counted twice."""
    contacts = list(contacts)
    desk = _Desk()
    chosen = {c.pk: desk.give(desk.people[c.owner_id], now) for c in contacts if c.owner_id in desk.people}
    left = [c.pk for c in contacts if c.pk not in chosen]
    for rule in AssignRule.objects.filter(active=True):
        fitting = _fitting(rule, left, now)
        for pk in [pk for pk in left if pk in fitting]:
            user = desk.take(rule, now)
            if user is None:
                break
            chosen[pk] = user
        left = [pk for pk in left if pk not in chosen]
    return chosen


def _fitting(rule: AssignRule, contact_ids: list[int], now: datetime) -> set[int]:
    if not contact_ids or segments.validate(rule.rule):
        return set()
    return segments.matching(rule.rule, contact_ids, now)
