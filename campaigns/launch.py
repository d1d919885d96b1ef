"""From a campaign to rows in the ledger: freeze the audience, then plan it in batches that survive kill -9.

Every batch is one transaction: read the next members after ``position``, submit them, move ``position``. A crash
repeats at most the batch that was not committed, and the ledger's key (campaign, wave, contact) makes even that
harmless.
"""

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Q
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from campaigns import queries, sending
from campaigns.models import Campaign, CampaignState, Wave
from contacts import segments
from scrm.core import audit, notify
from scrm.core.enums import Level, Permission
from scrm.core.models import User
from scrm.lib import clock

BATCH = 20_000
"""Sorted neighbours; sending.submit_audience is fastest with about so many."""


def run_once() -> bool:
    """One bounded step of the launch pump: open what is due, freeze, plan a batch, or close. True while there is more."""
    return _open_due() or _step() or _close()


def lag() -> dict[str, float]:
    """Campaigns whose time has come and that are not planned to the last person, and since when the first of them is due."""
    now = clock.now()
    opened = Wave.objects.filter(campaign=OuterRef("pk"), finished_at=None)
    waiting = Campaign.objects.filter(starts_at__lte=now).filter(
        Q(state=CampaignState.SCHEDULED) | Q(Exists(opened), state=CampaignState.SENDING)
    )
    found = waiting.aggregate(n=Count("pk"), first=Min("starts_at"))
    return {"waiting": found["n"], "oldest_seconds": (now - found["first"]).total_seconds() if found["first"] else 0}


def _open_due() -> bool:
    with transaction.atomic():
        due = (
            Campaign.objects.select_for_update(skip_locked=True)
            .filter(state=CampaignState.SCHEDULED, starts_at__lte=clock.now())
            .order_by("starts_at")
            .first()
        )
        if due is None:
            return False
        due.state = CampaignState.SENDING
        due.save(update_fields=["state"])
        Wave.objects.get_or_create(campaign=due, number=1)
        return True


def _step() -> bool:
    with transaction.atomic():
        wave = (
            Wave.objects.select_for_update(skip_locked=True, of=("self", "campaign"))
            .select_related("campaign", "campaign__content")
            .filter(finished_at=None, campaign__state=CampaignState.SENDING)
            .order_by("id")
            .first()
        )
        if wave is None:
            return False
        if wave.frozen_at is None:
            try:
                _freeze(wave)
            except segments.BrokenRule as error:
                _stop(wave.campaign, str(error))
        else:
            _plan(wave)
        return True


def _freeze(wave: Wave) -> None:
    """The audience becomes rows, once: later changes of the segment do not change who is asked."""
    now = clock.now()
    people = segments.people(wave.campaign.segment, now).order_by().values("id")
    sql, params = people.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO campaigns_wavemember (wave_id, contact_id) SELECT %s, id FROM ({sql}) AS people ON CONFLICT DO NOTHING",
            [wave.pk, *params],
        )
    wave.audience = wave.members.count()
    wave.frozen_at = now
    wave.save(update_fields=["audience", "frozen_at"])


def _stop(campaign: Campaign, reason: str) -> None:
    """A segment whose rule broke after the campaign was scheduled: this one waits for a person, the others go on."""
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.PAUSED)
    audit.record(None, "campaign.paused", campaign, reason=reason[:300])
    text = format_lazy(_("The campaign “{name}” is paused: {reason}"), name=campaign.name, reason=reason)
    url = reverse("campaigns:campaign_detail", args=[campaign.pk])
    notify.tell(User.objects.able(Permission.CAMPAIGNS_SEND), text, url, Level.BAD)


def _plan(wave: Wave) -> None:
    campaign = wave.campaign
    ids = list(
        wave.members.filter(contact_id__gt=wave.position)
        .order_by("contact_id")
        .values_list("contact_id", flat=True)[:BATCH]
    )
    if not ids:
        wave.finished_at = clock.now()
        wave.save(update_fields=["finished_at"])
        return
    wave.position = ids[-1]
    wave.planned += len(ids)
    wave.save(update_fields=["position", "planned"])
    # Last, because it holds the lock that orders the event log until the transaction ends.
    sending.submit_audience(
        ids,
        key_prefix=f"c:{campaign.pk}:{wave.number}:",
        content_id=campaign.content_id,
        purpose=campaign.content.purpose,
        origin="campaign",
        origin_id=campaign.pk,
        channels=campaign.channels,
        ref={"campaign": campaign.pk, "wave": wave.number},
        expires_at=wave.frozen_at + timedelta(hours=campaign.expires_after_hours),
    )


def _close() -> bool:
    """One campaign that is planned to the last person and has nothing left to send is done."""
    open_waves = Wave.objects.filter(campaign=OuterRef("pk"), finished_at=None)
    planned = Campaign.objects.filter(~Exists(open_waves), state=CampaignState.SENDING).order_by("id")
    ids = list(planned.values_list("pk", flat=True))
    numbers = queries.funnels("campaign", ids) if ids else {}
    for pk in ids:
        left = numbers.get(pk)
        if left is None or not (left.waiting or left.held):
            return bool(Campaign.objects.filter(pk=pk, state=CampaignState.SENDING).update(state=CampaignState.DONE))
    return False
