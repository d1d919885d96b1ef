from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns import sending
from campaigns.models import Campaign, CampaignState, Wave
from contacts.enums import ChannelKind
from contacts.models import Segment
from scrm.core import audit
from scrm.core.models import User
from scrm.lib import clock, hints


class NotNow(Exception):
    """The campaign's state does not allow this; the text is for the person who asked."""


class Outdated(Exception):
    """Somebody else saved the campaign in the meantime."""


@transaction.atomic
def save_campaign(
    *,
    campaign: Campaign | None,
    name: str,
    segment: Segment | None,
    content,
    channels: list[str],
    starts_at: datetime | None,
    expires_after_hours: int,
    version: int | None = None,
    by: User,
) -> Campaign:
    """Make a draft or change one. ``version`` is the one the form was filled with. Raises NotNow, Outdated."""
    now = clock.now()
    if campaign is None:
        campaign = Campaign(created_by=by, created_at=now)
    else:
        campaign = _locked(campaign, CampaignState.DRAFT, CampaignState.SCHEDULED)
        if version is not None and version != campaign.version:
            raise Outdated
        campaign.version += 1
    campaign.name, campaign.segment, campaign.content = name, segment, content
    campaign.channels, campaign.starts_at = channels, starts_at
    campaign.expires_after_hours, campaign.updated_at = expires_after_hours, now
    if campaign.state == CampaignState.SCHEDULED and (starts_at is None or segment is None or content is None):
        campaign.state = CampaignState.DRAFT
    campaign.save()
    audit.record(by, "campaign.saved", campaign, segment=segment.pk if segment else None, channels=channels)
    return campaign


@transaction.atomic
def schedule_campaign(*, campaign: Campaign, by: User) -> Campaign:
    """Send at ``starts_at``, or at once when that is None or past. A second call finds it no longer a draft. Raises NotNow."""
    campaign = _locked(campaign, CampaignState.DRAFT)
    missing = missing_parts(campaign)
    if missing:
        raise NotNow(missing[0])
    campaign.starts_at = campaign.starts_at or clock.now()
    campaign.state = CampaignState.SCHEDULED
    campaign.save(update_fields=["starts_at", "state"])
    audit.record(by, "campaign.scheduled", campaign, starts_at=campaign.starts_at.isoformat())
    hints.poke_on_commit("launch")
    return campaign


@transaction.atomic
def pause_campaign(*, campaign: Campaign, by: User) -> Campaign:
    """Nothing more leaves from the next claim on (seconds). Raises NotNow."""
    campaign = _locked(campaign, CampaignState.SCHEDULED, CampaignState.SENDING)
    campaign.state = CampaignState.PAUSED
    campaign.save(update_fields=["state"])
    sending.pause("campaign", campaign.pk)
    audit.record(by, "campaign.paused", campaign)
    return campaign


@transaction.atomic
def resume_campaign(*, campaign: Campaign, by: User) -> Campaign:
    """Goes on with exactly the rest. Raises NotNow."""
    campaign = _locked(campaign, CampaignState.PAUSED)
    campaign.state = (
        CampaignState.SENDING if Wave.objects.filter(campaign=campaign).exists() else CampaignState.SCHEDULED
    )
    campaign.save(update_fields=["state"])
    audit.record(by, "campaign.resumed", campaign)
    sending.resume("campaign", campaign.pk)
    hints.poke_on_commit("launch")
    return campaign


@transaction.atomic
def cancel_campaign(*, campaign: Campaign, by: User) -> Campaign:
    """Ends it for good: what is not sent yet is suppressed with the reason ``cancelled``. Raises NotNow."""
    campaign = _locked(campaign, CampaignState.SCHEDULED, CampaignState.SENDING, CampaignState.PAUSED)
    campaign.state = CampaignState.CANCELLED
    campaign.save(update_fields=["state"])
    Wave.objects.filter(campaign=campaign, finished_at=None).update(finished_at=clock.now())
    stopped = sending.cancel("campaign", campaign.pk)
    audit.record(by, "campaign.cancelled", campaign, stopped=stopped)
    return campaign


@transaction.atomic
def delete_campaign(*, campaign: Campaign, by: User) -> None:
    """Drafts only; what has started stays, since messages refer to it. Raises NotNow."""
    row = _locked(campaign, CampaignState.DRAFT)
    audit.record(by, "campaign.deleted", row)
    row.delete()


def missing_parts(campaign: Campaign) -> list[str]:
    """What keeps the campaign from being sent, as sentences; empty when it may go."""
    missing = []
    if campaign.segment is None:
        missing.append(_("Choose a segment."))
    elif campaign.segment.broken_reason:
        missing.append(_("The segment's rule is broken: {reason}").format(reason=campaign.segment.broken_reason))
    if campaign.content is None:
        missing.append(_("Choose a content."))
    elif campaign.content.state != "approved":
        missing.append(_("The content “{name}” is not approved yet.").format(name=campaign.content.name))
    if not campaign.channels:
        missing.append(_("Choose at least one channel."))
    elif campaign.content is not None:
        present = set(campaign.content.variants.values_list("channel", flat=True))
        missing += [
            _("The content has no variant for the channel {channel}.").format(channel=ChannelKind(channel).label)
            for channel in campaign.channels
            if channel not in present
        ]
    return missing


def _locked(campaign: Campaign, *states: CampaignState) -> Campaign:
    row = Campaign.objects.select_for_update(of=("self",)).select_related("segment", "content").get(pk=campaign.pk)
    if row.state not in states:
        raise NotNow(
            _("The campaign is “{state}” now; that is not possible any more.").format(state=row.get_state_display())
        )
    return row
