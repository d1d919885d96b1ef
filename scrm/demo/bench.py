"""How long the main pages take on many contacts, through the whole of Django (middleware, views, templates), without the network.

There is no physical limit to compare with; the limit is the house rule of 100 ms (design: pages p95 <= 100 ms, <= 15 queries).
"""

import statistics
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import connection
from django.test import Client
from django.urls import reverse

from analytics.consumers import daily
from campaigns.actions import approve_content, save_campaign, save_content
from campaigns.actions.content import VariantDraft
from campaigns.models import Campaign, Content, Message
from contacts import consumers
from contacts.actions import save_segment
from contacts.bench.data import load
from contacts.models import Contact, Segment
from journeys.actions import create_journey, publish_draft
from journeys.models import Journey
from journeys.recipes import RECIPES
from scrm.core.benching import Bench, Scale
from scrm.core.models import Company, Role, User
from scrm.lib import clock

LIMIT_MS = 100
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"


def run(scale: Scale) -> dict[str, Any]:
    """p95 over all pages and rounds; ``ratio`` = p95 / 100 ms (smaller is better). ``pages``: median ms and queries of each."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": PLAIN}}
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    storages.__dict__.pop("backends", None)
    load(scale.pick(50_000, 1_000_000), scale.pick(300_000, 10_000_000))
    Company.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    admin = User.objects.create_user("bench@example.com", None, name="Bench", role=Role.objects.get(key="admin"))
    journey, campaign, segment = _programmes(admin)
    _messages(scale.pick(50_000, 1_000_000), campaign)
    _counts()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    client.force_login(admin)
    pages, times = {}, []
    for name, url in _urls(journey, campaign, segment).items():
        client.get(url)  # templates and plans are warm from here on
        queries = _queries(client, url)
        found = sorted(_milliseconds(client, url) for _round in range(scale.pick(7, 15)))
        times += found
        pages[name] = {"ms": round(statistics.median(found), 1), "queries": queries}
    p95 = sorted(times)[int(len(times) * 0.95)]
    return {
        "ours": round(p95, 1),
        "limit": LIMIT_MS,
        "unit": "ms p95",
        "ratio": round(p95 / LIMIT_MS, 3),
        "most_queries": max(page["queries"] for page in pages.values()),
        "contacts": Contact.objects.count(),
        "pages": pages,
    }


def _queries(client: Client, url: str) -> int:
    """Statements of one request. Raises AssertionError when the page does not answer 200."""
    seen = []

    def note(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        status = client.get(url).status_code
    if status != 200:
        raise AssertionError(f"{url} answers {status}")
    return len(seen)


def _milliseconds(client: Client, url: str) -> float:
    began = time.perf_counter()
    client.get(url)
    return (time.perf_counter() - began) * 1000


def _urls(journey: Journey, campaign: Campaign, segment: Segment) -> dict[str, str]:
    busiest = (
        Contact.objects.living().order_by("pk").values_list("pk", flat=True)[0]
    )  # the data gives most events to the first
    someone = Contact.objects.living().exclude(name="").order_by("pk").first()
    contacts, message = (
        reverse("contacts:contact_list"),
        Message.objects.order_by("-pk").values_list("pk", flat=True)[0],
    )
    return {
        "overview": reverse("analytics:overview"),
        "contacts": contacts,
        "contacts by value": f"{contacts}?sort=value",
        "contacts of a stage": f"{contacts}?stage=prospect",
        "contacts by name": f"{contacts}?q={someone.name[:2] if someone else 'a'}",
        "contact": reverse("contacts:contact", args=[busiest]),
        "timeline": reverse("contacts:contact_timeline", args=[busiest]),
        "segments": reverse("contacts:segment_list"),
        "segment": reverse("contacts:segment", args=[segment.pk]),
        "tags": reverse("contacts:tag_list"),
        "stage rules": reverse("contacts:stage_rule_list"),
        "journeys": reverse("journeys:journey_list"),
        "journey": reverse("journeys:journey_detail", args=[journey.pk]),
        "campaigns": reverse("campaigns:campaign_list"),
        "campaign": reverse("campaigns:campaign_detail", args=[campaign.pk]),
        "campaign result": reverse("campaigns:campaign_result", args=[campaign.pk]),
        "content": reverse("campaigns:content_list"),
        "coupons": reverse("campaigns:batch_list"),
        "messages": reverse("campaigns:message_list"),
        "messages not sent": reverse("campaigns:message_list") + "?state=not_sent",
        "message": reverse("campaigns:message_detail", args=[message]),
        "channels": reverse("channels_ingest:channel_list"),
        "audit": reverse("core:audit_list"),
        "search": reverse("core:search") + f"?q={someone.name[:2] if someone else 'a'}",
    }


def _programmes(by: User) -> tuple[Journey, Campaign, Segment]:
    segment = save_segment(
        segment_id=None,
        name="Bench",
        description="",
        rule={"all": [{"kind": "stage", "stages": ["prospect"]}]},
        version=None,
        by=by,
    )
    drafts = [
        VariantDraft("oa", "zh-hans", "text", body="x"),
        VariantDraft("email", "zh-hans", "markdown", subject="x", body="x"),
    ]
    content = approve_content(
        content=save_content(content=None, name="Bench", purpose="marketing", variants=drafts, by=by), by=by
    )
    journey = create_journey(
        name="Bench",
        by=by,
        definition=RECIPES["welcome"].make(welcome_content=content.pk, mail_content=content.pk),
        recipe="welcome",
    )
    publish_draft(journey=journey, by=by)
    campaign = save_campaign(
        campaign=None,
        name="Bench",
        segment=segment,
        content=content,
        channels=["email"],
        starts_at=None,
        expires_after_hours=72,
        by=by,
    )
    return journey, campaign, segment


def _messages(count: int, campaign: Campaign) -> None:
    """A ledger of so many rows, one per contact, in one statement; every tenth was not sent."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_message (key, contact_id, identity_id, pinned, channel, account_id, channels, content_id, purpose, origin,"
            " origin_id, lane, ref, context, tags, state, reason, decisions, defer_quiet, paused, next_at, fence, attempt_no, planned_at,"
            " sent_at, platform_id, error)"
            " SELECT 'bench:' || id, id, CASE WHEN id %% 10 > 0 THEN 1 END, false, 'email', 1, '{email}', %s, 'marketing', 'campaign', %s, 2,"
            " '{}', '{}', '{}', CASE WHEN id %% 10 > 0 THEN 'sent' ELSE 'suppressed' END, CASE WHEN id %% 10 > 0 THEN '' ELSE 'no_consent' END,"
            " '[]', true, false, %s, 1, 1, %s, CASE WHEN id %% 10 > 0 THEN %s::timestamptz END, '', ''"
            " FROM contacts_contact ORDER BY id LIMIT %s",
            [Content.objects.get(name="Bench").pk, campaign.pk, now, now, now - timedelta(hours=1), count],
        )


def _counts() -> None:
    """The roll-ups of the last events, so that the overview has something to draw."""
    newest = consumers.last_id()
    daily.consume(consumers.since(max(newest - 20_000, 0), limit=20_000))


BENCHES = [Bench("pages", run)]
