"""What the overview says is to do."""

import pytest

from analytics.attention import attention
from campaigns.models import Campaign, Content
from channels_ingest.models import Channel
from journeys.models import Journey
from scrm.core.first_steps import steps_for
from scrm.lib import clock

pytestmark = pytest.mark.django_db


def test_the_overview_leads_a_new_company_to_its_first_steps(admin, marketer):
    """One rule in two places, the checklist and one query of the overview: they agree."""
    channel = Channel.objects.create(kind="web", name="Shop", settings={})
    assert "list-check" in {line.icon for line in attention(admin)} and "list-check" not in {
        line.icon for line in attention(marketer)
    }
    channel.last_callback_at = clock.real_now()
    channel.save()
    now = clock.now()
    Content.objects.create(name="News", state="approved", created_at=now, updated_at=now)
    Campaign.objects.create(name="News", state="done", created_at=now, updated_at=now)
    assert "list-check" in {line.icon for line in attention(admin)}
    Journey.objects.create(name="Welcome", state="live", created_at=now, changed_at=now)
    assert not [step for step in steps_for(admin) if step.done is False]
    assert "list-check" not in {line.icon for line in attention(admin)}
