"""A campaign from its draft to its numbers: frozen audience, exact rest after a crash, pause, cancel, and who may what."""

from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns import launch
from campaigns.actions import approve_content, save_campaign, save_content, schedule_campaign
from campaigns.actions.content import VariantDraft
from campaigns.enums import State
from campaigns.models import Campaign, Message, WaveMember
from channels_ingest.models import Channel
from contacts import intake
from contacts.actions import freeze_segment
from contacts.enums import IdentityKind, Trust
from contacts.models import Contact, Segment
from scrm.lib import clock

pytestmark = pytest.mark.django_db


@pytest.fixture
def content(marketer, admin):
    draft = save_content(
        content=None,
        name="News",
        purpose="marketing",
        variants=[VariantDraft("email", "zh-hans", "markdown", subject="News", body="Hi {{ contact.name }}")],
        by=marketer,
    )
    return approve_content(content=draft, by=admin)


@pytest.fixture
def people(db) -> list[int]:
    """Five people with a verified address who never agreed to marketing, and an account that could write to them."""
    Channel.objects.create(
        kind="email", name="Mail", settings={"host": "127.0.0.1", "port": 9, "from_address": "a@b.example"}
    )
    now = clock.now()
    rows = [
        intake.Incoming(
            kind="email_confirmed",
            channel="web",
            occurred_at=now - timedelta(days=1),
            handles=(intake.Handle(IdentityKind.EMAIL.value, f"p{number}@mail.example", 0, Trust.VERIFIED),),
            traits={"name": f"P{number}"},
        )
        for number in range(5)
    ]
    return [row.contact_id for row in intake.append(rows)]


@pytest.fixture
def campaign(marketer, content, people) -> Campaign:
    segment = Segment.objects.create(name="All", rule={"all": []})
    return save_campaign(
        campaign=None,
        name="Spring",
        segment=segment,
        content=content,
        channels=["email"],
        starts_at=None,
        expires_after_hours=72,
        by=marketer,
    )


def form(campaign: Campaign, **more) -> dict:
    return {
        "name": campaign.name, "segment": campaign.segment_id or "", "content": campaign.content_id or "", "channels": ["email"],
        "when": "now", "expires_after_hours": "72", "version": campaign.version,
    } | more  # fmt: skip


def plan_everything() -> None:
    while launch.run_once():
        pass


@pytest.mark.parametrize(
    ("who", "status"), [("marketer", 200), ("admin", 200), ("agent", 403), ("sales", 403), ("outsider", 403)]
)
def test_who_may_open(who: str, status: int, campaign, cast, client_for) -> None:
    client = client_for(cast[who])
    for url in (
        reverse("campaigns:campaign_list"),
        reverse("campaigns:campaign_new"),
        reverse("campaigns:campaign_detail", args=[campaign.pk]),
        reverse("campaigns:campaign_edit", args=[campaign.pk]),
        reverse("campaigns:campaign_reach", args=[campaign.pk]),
    ):
        assert client.get(url).status_code == status


def test_writes_need_their_permission_and_unknown_ones_are_404(campaign, outsider, admin, client_for) -> None:
    for action in ("send", "pause", "resume", "cancel", "delete"):
        url = reverse(f"campaigns:campaign_{action}", args=[campaign.pk])
        assert client_for(outsider).post(url).status_code == 403
        assert client_for(admin).get(url).status_code == 405
        assert client_for(admin).post(reverse(f"campaigns:campaign_{action}", args=[999])).status_code == 404


def test_a_form_keeps_what_was_typed_and_says_what_is_wrong(campaign, marketer, client_for) -> None:
    client = client_for(marketer)
    url = reverse("campaigns:campaign_edit", args=[campaign.pk])
    page = client.post(
        url, form(campaign, name="Kept name", when="at", starts_at="2001-01-01T10:00", expires_after_hours="9999")
    )
    html = page.content.decode()
    assert page.status_code == 422
    assert "Kept name" in html and "That time has passed." in html and "Between 1 and 720 hours." in html
    without = form(campaign)
    without.pop("channels")
    assert "Choose at least one channel." in client.post(url, without).content.decode()


def test_two_people_do_not_overwrite_each_other(campaign, marketer, client_for) -> None:
    client = client_for(marketer)
    url = reverse("campaigns:campaign_edit", args=[campaign.pk])
    stale = form(campaign, name="Mine")
    assert client.post(url, form(campaign, name="Theirs")).status_code == 302
    page = client.post(url, stale)
    assert page.status_code == 422 and "Somebody else changed this campaign" in page.content.decode()
    campaign.refresh_from_db()
    assert campaign.name == "Theirs"


def test_before_sending_one_sees_who_and_why_not(campaign, marketer, client_for) -> None:
    html = client_for(marketer).get(reverse("campaigns:campaign_reach", args=[campaign.pk])).content.decode()
    assert "No consent" in html and ">5<" in html
    assert not Message.objects.exists()


def test_the_audience_is_frozen_and_everybody_has_one_row(campaign, marketer, admin, people, client_for) -> None:
    sender = next(user for user in (marketer, admin) if user.can("campaigns.send"))
    client_for(sender).post(reverse("campaigns:campaign_send", args=[campaign.pk]))
    launch.run_once()  # opens
    launch.run_once()  # freezes
    assert WaveMember.objects.count() == 5
    intake.append(
        [
            intake.Incoming(
                kind="email_confirmed",
                channel="web",
                occurred_at=clock.now(),
                handles=(intake.Handle(IdentityKind.EMAIL.value, "late@mail.example", 0, Trust.VERIFIED),),
            )
        ]  # fmt: skip
    )
    plan_everything()
    assert set(Message.objects.values_list("contact_id", flat=True)) == set(people)
    campaign.refresh_from_db()
    assert campaign.state == "done"
    html = client_for(marketer).get(reverse("campaigns:campaign_detail", args=[campaign.pk])).content.decode()
    assert "No consent" in html


def test_a_crash_between_batches_repeats_nothing(campaign, admin, monkeypatch) -> None:
    from campaigns.actions import schedule_campaign

    monkeypatch.setattr(launch, "BATCH", 2)
    schedule_campaign(campaign=campaign, by=admin)
    launch.run_once()
    launch.run_once()
    launch.run_once()
    assert Message.objects.count() == 2
    wave = campaign.waves.get()
    wave.position, wave.planned = 0, 0  # as if the move of the position had been lost
    wave.save()
    plan_everything()
    assert Message.objects.count() == 5
    assert Message.objects.values("key").distinct().count() == 5


def test_pause_resume_and_cancel(campaign, admin, client_for) -> None:
    client = client_for(admin)
    client.post(reverse("campaigns:campaign_send", args=[campaign.pk]))
    launch.run_once()
    client.post(reverse("campaigns:campaign_pause", args=[campaign.pk]))
    plan_everything()
    assert not Message.objects.exists()
    client.post(reverse("campaigns:campaign_resume", args=[campaign.pk]))
    launch.run_once()
    client.post(reverse("campaigns:campaign_cancel", args=[campaign.pk]))
    plan_everything()
    campaign.refresh_from_db()
    assert campaign.state == "cancelled" and not Message.objects.filter(state=State.QUEUED).exists()
    assert client.post(reverse("campaigns:campaign_send", args=[campaign.pk])).status_code == 302
    campaign.refresh_from_db()
    assert campaign.state == "cancelled"


def test_unapproved_content_is_not_sent(campaign, admin, marketer, client_for) -> None:
    campaign.content = save_content(
        content=None,
        name="Draft",
        purpose="marketing",
        variants=[VariantDraft("email", "en", "markdown", subject="s", body="b")],
        by=marketer,
    )
    campaign.save()
    client_for(admin).post(reverse("campaigns:campaign_send", args=[campaign.pk]))
    campaign.refresh_from_db()
    assert campaign.state == "draft"


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_costs_the_same_for_one_and_thirty(
    rows: int, campaign, marketer, client_for, django_assert_max_num_queries
) -> None:
    for number in range(rows - 1):
        Campaign.objects.create(
            name=f"C{number}", segment=campaign.segment, content=campaign.content, created_by=marketer, created_at=clock.now(),
            updated_at=clock.now(),
        )  # fmt: skip
    client = client_for(marketer)
    client.get(reverse("campaigns:campaign_list"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("campaigns:campaign_list"))
    assert len(page.context["page"].rows) == rows


def test_the_lag_tells_what_is_due_and_since_when(campaign, admin) -> None:
    assert launch.lag() == {"waiting": 0, "oldest_seconds": 0}
    schedule_campaign(campaign=campaign, by=admin)
    Campaign.objects.update(starts_at=clock.now() - timedelta(minutes=5))
    assert launch.lag()["waiting"] == 1 and 300 <= launch.lag()["oldest_seconds"] < 400
    launch.run_once()
    assert launch.lag()["waiting"] == 1
    plan_everything()
    assert launch.lag()["waiting"] == 0


def test_a_static_segment_is_its_members_and_not_its_old_rule(campaign, admin, marketer, people, client_for) -> None:
    frozen = freeze_segment(
        segment_id=campaign.segment_id, name="Kept", people=Contact.objects.filter(pk__in=people[:2]), by=admin
    )
    Campaign.objects.filter(pk=campaign.pk).update(segment=frozen)
    campaign.refresh_from_db()
    html = client_for(marketer).get(reverse("campaigns:campaign_reach", args=[campaign.pk])).content.decode()
    assert ">2<" in html and ">5<" not in html
    schedule_campaign(campaign=campaign, by=admin)
    plan_everything()
    assert set(Message.objects.values_list("contact_id", flat=True)) == set(people[:2])


def test_a_segment_that_broke_after_scheduling_stops_its_own_campaign_only(campaign, admin, content) -> None:
    other = save_campaign(
        campaign=None,
        name="Other",
        segment=Segment.objects.create(name="Healthy", rule={"all": []}),
        content=content,
        channels=["email"],
        starts_at=None,
        expires_after_hours=72,
        by=admin,
    )
    schedule_campaign(campaign=campaign, by=admin)
    schedule_campaign(campaign=other, by=admin)
    Segment.objects.filter(pk=campaign.segment_id).update(rule={"kind": "segment", "segment": 987654})
    plan_everything()
    campaign.refresh_from_db()
    other.refresh_from_db()
    assert (campaign.state, other.state) == ("paused", "done")
    assert not WaveMember.objects.filter(wave__campaign=campaign).exists()
    assert "Spring" in admin.notifications.get().text


def test_a_new_campaign_begins_with_what_is_connected(marketer, client_for, content, people):
    client, url = client_for(marketer), reverse("campaigns:campaign_new")
    assert client.get(url).context["form"].chosen == ["email"]
    assert client.get(f"{url}?content={content.pk}").context["form"].initial["content"] == content.pk
    page = client.get(url).content.decode()
    assert page.count("no account can send") == 1  # the Official Account
    Channel.objects.all().delete()
    assert client.get(f"{url}?content={content.pk}").context["form"].chosen == []


def test_an_empty_campaign_form_leads_on(marketer, client_for):
    page = client_for(marketer).get(reverse("campaigns:campaign_new")).content.decode()
    assert reverse("contacts:segment_new") in page and "No content is approved yet." in page


def test_an_approved_content_leads_to_a_campaign(marketer, client_for, content):
    page = client_for(marketer).get(reverse("campaigns:content_edit", args=[content.pk])).content.decode()
    assert f"{reverse('campaigns:campaign_new')}?content={content.pk}" in page
