from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.enums import ContentState
from campaigns.models import Campaign, CampaignState, Content
from scrm.core.enums import Permission
from scrm.core.first_steps import Step
from scrm.core.models import User


def steps(user: User) -> list[Step]:
    """The first text of one's own, and the first time it goes out."""
    found = []
    if user.can(Permission.CONTENT_EDIT):
        written = Content.objects.filter(system_key="", state=ContentState.APPROVED).exists()
        text = _("What goes out, for each channel and language. It can be sent once it is approved.")
        found.append(
            Step("article", _("Write a first content"), text, reverse("campaigns:content_new"), _("Write"), written)
        )
    if user.can(Permission.CAMPAIGNS_EDIT):
        sent = Campaign.objects.exclude(state__in=[CampaignState.DRAFT, CampaignState.CANCELLED]).exists()
        text = _("Choose a segment and an approved content; before anything goes out you see who will get it.")
        found.append(
            Step("speakerphone", _("Send a first campaign"), text, reverse("campaigns:campaign_new"), _("Begin"), sent)
        )
    return found
