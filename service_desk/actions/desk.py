"""Settings of the desk. What is versioned gets a new row; open tickets are looked at again."""

from typing import Any

from django.db import transaction

from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock
from service_desk.enums import Speech
from service_desk.flow import wake_all
from service_desk.models import AgentProfile, CalendarVersion, ChannelDesk, Correction, DeskSettings, SlaPolicy


@transaction.atomic
def save_hours(
    *, time_zone: str, week: list, holidays: bool, closed: list[str], opened: list[str], by: User
) -> CalendarVersion:
    """From now on; what passed keeps the hours it had, so the first edit also stores what held until now."""
    now = clock.now()
    if not CalendarVersion.objects.exists():
        before = CalendarVersion.default()
        before.created_at = clock.real_now()
        before.save()
    values = {"time_zone": time_zone, "week": week, "holidays": holidays, "closed": closed, "opened": opened}
    made = CalendarVersion.objects.create(valid_from=now, created_by=by, created_at=clock.real_now(), **values)
    wake_all()
    audit.record(by, "business_hours.saved", made)
    return made


@transaction.atomic
def save_policy(*, values: dict[str, Any], by: User) -> SlaPolicy:
    """A new version of the promise for (priority, kind). Tickets that are open keep the one they were given."""
    held = SlaPolicy.objects.select_for_update().filter(
        priority=values["priority"], kind=values["kind"], replaced_at=None
    )
    before = held.first()
    if before is not None:
        before.replaced_at = clock.real_now()
        before.save(update_fields=["replaced_at"])
    number = before.version + 1 if before else 1
    made = SlaPolicy.objects.create(**values, version=number, created_by=by, created_at=clock.real_now())
    audit.record(by, "sla_policy.saved", made, version=number)
    return made


@transaction.atomic
def remove_policy(*, policy: SlaPolicy, by: User) -> None:
    """Only a promise for one kind of ticket: that of the priority holds again."""
    SlaPolicy.objects.filter(pk=policy.pk, replaced_at=None).update(replaced_at=clock.real_now())
    audit.record(by, "sla_policy.removed", policy)


@transaction.atomic
def save_desk(*, values: dict[str, Any], by: User) -> DeskSettings:
    row, _made = DeskSettings.objects.update_or_create(pk=1, defaults=values)
    wake_all()
    audit.record(by, "desk_settings.saved", row)
    return row


@transaction.atomic
def save_agent(*, user: User, capacity: int | None, skills: list[str], takes_work: bool, by: User) -> AgentProfile:
    values = {"capacity": capacity, "skills": skills, "takes_work": takes_work}
    row, _made = AgentProfile.objects.update_or_create(user=user, defaults=values)
    audit.record(by, "agent_profile.saved", row)
    return row


@transaction.atomic
def save_channel_desk(*, account_id: int, values: dict[str, Any], by: User) -> ChannelDesk:
    row, _made = ChannelDesk.objects.update_or_create(account_id=account_id, defaults=values)
    audit.record(by, "channel_desk.saved", row, channel=account_id)
    return row


@transaction.atomic
def correct_text(*, text: str, label: str, said: str, by: User) -> Correction:
    """What a text really is, without a ticket: from the settings page."""
    row = Correction.objects.create(text=text, label=Speech(label), said=said, by=by, at=clock.real_now())
    audit.record(by, "correction.added", row, kind=label)
    return row
