"""The profile: what it shows, the timeline, and every change that can be made there."""

from datetime import timedelta

import pytest
from django.utils import translation

from campaigns.models import Content, Message
from contacts import actions, identity, lines, reach
from contacts.enums import EventKind
from contacts.lines import describe
from contacts.models import Consent, Contact, Event, Identity, Merge, Tag
from journeys.models import Enrolment, Journey, Version
from scrm.core.models import AuditEntry, Company
from scrm.lib import clock


@pytest.fixture
def lin(person, sales):
    return person(
        "Lin Xiaowen",
        owner=sales,
        email="lin.x@163.com",
        phone="13816048888",
        orders=[268, 132],
        city="Shanghai",
        shoe_size=42,
    )


def test_header_value_and_identities(lin, marketer, html):
    page = html(marketer, f"/contacts/{lin.pk}/")
    for text in ("Lin Xiaowen", "Scene QR code: shop window", "Shanghai", "¥400", "¥200", "shoe_size", "138****8888"):
        assert text in page, text
    assert "Verified" in page


def test_a_visitor_and_a_bare_contact_have_a_page(person, marketer, html):
    visitor = person(known=False)
    page = html(marketer, f"/contacts/{visitor.pk}/")
    assert f"Visitor {visitor.pk}" in page and "can’t be written to" in page and "Nothing bought yet." in page


def test_panels_of_other_rooms_come_from_settings(lin, marketer, html, settings):
    settings.CONTACT_PANELS = [
        "tests.contacts_ui.test_contacts_ui_profile.panel",
        "tests.contacts_ui.test_contacts_ui_profile.no_panel",
        "tests.contacts_ui.test_contacts_ui_profile.failing_panel",
    ]
    page = html(marketer, f"/contacts/{lin.pk}/")
    assert "panel of Lin Xiaowen &lt;b&gt;" in page
    assert page.count("This card could not be loaded") == 1


def panel(request, contact):
    return f"panel of {contact.name} <b>"


def no_panel(request, contact):
    return None


def failing_panel(request, contact):
    raise KeyError("another room")


def test_reach_strip():
    now = clock.now()
    wrote = Identity(kind="openid", reachable=True, last_inbound_at=now - timedelta(hours=47))
    silent = Identity(kind="openid", reachable=True, last_inbound_at=now - timedelta(hours=49))
    gone = Identity(kind="openid", reachable=False)
    mail = Identity(kind="email", reachable=True)
    refused = Consent(channel="email", purpose="marketing", state="withdrawn")
    asked = Consent(channel="email", purpose="marketing", state="pending")

    def states(identities, consents=()):
        return {item.channel: item.state for item in reach.strip(identities, consents, now)}

    assert states([wrote]) == {"oa": "open"}
    assert reach.strip([wrote], (), now)[0].window_until == now + timedelta(hours=1)
    assert states([silent]) == {"oa": "window"}
    assert states([gone]) == {"oa": "gone"}
    assert states([gone, wrote]) == {"oa": "open"}
    assert states([mail]) == {"email": "open"}
    assert states([mail], [refused]) == {"email": "refused"}
    assert states([mail], [asked]) == {"email": "asked"}
    assert states([]) == {}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_kind_is_a_sentence_in_both_languages(language):
    with translation.override(language):
        for kind in [*EventKind.values, "track:Cart Added", "something_new", ""]:
            for properties in (
                {},
                None,
                [],
                {"text": None, "lines": "x", "total": "NaN", "until": "soon", "reason": "capped"},
            ):
                line = describe(kind, properties, show_points=False)
                assert isinstance(str(line.title), str) and (str(line.title) or not kind)
        assert str(describe("track:Cart Added", {"price": 5}, show_points=True).title) == "Cart Added"
    unknown = set(EventKind.values) - set(lines.RENDERERS)
    assert unknown == set(), unknown


def test_lines_say_what_happened():
    with translation.override("en"):
        line = describe(
            "message_suppressed", {"reason": "no_consent", "origin": "campaign", "title": "Sale"}, show_points=True
        )
        assert (line.title, line.subject, [str(note.text) for note in line.notes]) == (
            "Message not sent",
            "Sale",
            ["no consent", "from a campaign"],
        )
        paid = describe(
            "order_paid",
            {"order_id": "SO1", "total": "268.00", "lines": [{"name": "Shoe", "quantity": 2}]},
            show_points=True,
        )
        assert (paid.subject, paid.body, str(paid.amount)) == ("SO1", "Shoe × 2", "268.00")
        assert describe("stage_changed", {"from": "public", "to": "lead"}, show_points=True).subject == "Public → Lead"


def test_the_timeline_pages_back_without_gap_or_repeat(lin, happen, marketer, client_for):
    Event.objects.filter(contact=lin).delete()
    for n in range(70):
        happen(lin, "message_in", ago_hours=n, text=f"note {n:02}.")
    client, seen = client_for(marketer), []
    path = f"/contacts/{lin.pk}/timeline/"
    while path:
        answer = client.get(path)
        cut = answer.context["slice"]
        seen += [entry.line.body for day in cut.days for entry in day.entries]
        path = f"/contacts/{lin.pk}/timeline/?after={cut.after}" if cut.after else ""
    assert seen == [f"note {n:02}." for n in range(70)]
    body = client.get(f"/contacts/{lin.pk}/timeline/").content.decode()
    assert 'hx-trigger="revealed"' in body


def test_a_day_that_goes_on_over_the_page_has_one_heading(lin, happen, marketer, client_for):
    Event.objects.filter(contact=lin).delete()
    for n in range(40):
        happen(lin, "message_in", ago_hours=30 * 24 + n / 1000, text=str(n))
    client = client_for(marketer)
    first = client.get(f"/contacts/{lin.pk}/timeline/").context["slice"]
    second = client.get(f"/contacts/{lin.pk}/timeline/?after={first.after}").context["slice"]
    if first.days[-1].day == second.days[0].day:
        assert second.days[0].continued


def test_the_timeline_filters_by_group_and_channel(lin, happen, marketer, html):
    happen(lin, "message_in", text="hello there")
    happen(lin, "track:Cart Added", "web", name="a shoe")
    base = f"/contacts/{lin.pk}/timeline/"
    assert "hello there" in html(marketer, f"{base}?group=conversation") and "a shoe" not in html(
        marketer, f"{base}?group=conversation"
    )
    assert "a shoe" in html(marketer, f"{base}?group=browsing") and "hello there" not in html(
        marketer, f"{base}?group=browsing"
    )
    assert "a shoe" in html(marketer, f"{base}?channel=web") and "hello there" not in html(
        marketer, f"{base}?channel=web"
    )
    assert "Nothing of this kind" in html(marketer, f"{base}?group=reach")
    assert "hello there" in html(marketer, f"{base}?group=nonsense&channel=nonsense&after=nonsense")


def test_what_people_typed_is_escaped(lin, happen, marketer, html):
    happen(lin, "message_in", text="<script>alert(1)</script>")
    happen(lin, "track:<img src=x>", "web", note="<b>")
    page = html(marketer, f"/contacts/{lin.pk}/")
    assert "<script>alert" not in page and "<img src=x>" not in page and "&lt;script&gt;" in page


def test_the_profile_costs_the_same_at_1_and_30_of_everything(person, happen, marketer, statements):
    Company.objects.create(pk=1, name="Shan")
    one, many = person("One"), person("Many", orders=[10] * 10)
    for n in range(30):
        happen(many, "message_in", text=str(n))
        actions.add_tag(contact_ids=[many.pk], name=f"tag {n}", by=marketer)
    few, lots = (statements(marketer, f"/contacts/{contact.pk}/") for contact in (one, many))
    assert len(lots) <= len(few) + 2  # the last orders, and the numbers of a timeline that is longer than the page
    assert len(lots) <= 11, "\n".join(lots)


def test_the_profile_with_the_cards_of_all_rooms_stays_below_15(person, happen, marketer, statements, settings):
    """Messages, coupons, and a journey that the person is in at a step without a name of its own."""
    settings.CONTACT_PANELS = ["campaigns.panels.contact_messages", "journeys.panels.contact_enrolments"]
    Company.objects.create(pk=1, name="Shan")
    contact, at = person("Many", orders=[10] * 3), clock.now()
    actions.change_stage(contact_ids=[contact.pk], stage="loyal", reason="by hand", by=marketer)
    content = Content.objects.create(name="Spring letter", purpose="marketing")
    definition = {
        "trigger": {"kind": "event"},
        "steps": [{"key": "a", "kind": "send", "name": "", "config": {"content": content.pk}, "branches": []}],
    }
    journey = Journey.objects.create(name="Welcome", created_at=at, changed_at=at)
    version = Version.objects.create(journey=journey, number=1, definition=definition, edited_at=at)
    Enrolment.objects.create(journey=journey, version=version, contact=contact, step="a", entered_at=at)
    for n in range(3):
        Message.objects.create(
            key=f"k{n}", contact=contact, content=content, purpose="marketing", origin="system", state="suppressed",
            next_at=at, planned_at=at,
        )  # fmt: skip
    short = statements(marketer, f"/contacts/{contact.pk}/")
    for n in range(30):
        happen(contact, "message_in", text=str(n))
    long = statements(marketer, f"/contacts/{contact.pk}/")
    assert len(short) <= 15 and len(long) <= 15, "\n".join(long)


def test_the_stages_stand_with_the_month_they_were_reached(person, marketer, html):
    contact = person("Li", ago=400)
    with clock.frozen(clock.now().replace(year=2024, month=3, day=31, hour=20)):  # April in Shanghai
        actions.change_stage(contact_ids=[contact.pk], stage="prospect", reason="by hand", by=marketer)
    assert "<small>2024-04</small>" in html(marketer, f"/contacts/{contact.pk}/")


def test_the_timeline_counts_the_same_with_and_without_a_second_page(person, happen, marketer, html):
    contact = person("Wu")
    for n in range(3):
        happen(contact, "message_in", text=str(n))
    happen(contact, "page_viewed", "web")
    base = f"/contacts/{contact.pk}/timeline/"
    short = html(marketer, base)
    assert "Messages<small>4</small>" in short and "Web site (1)" in short
    assert "Messages<small>4</small>" in html(marketer, f"{base}?group=browsing")
    for n in range(40):
        happen(contact, "message_in", text=str(n))
    assert "Messages<small>44</small>" in html(marketer, base)


def edit(client, contact, **changes):
    data = {
        "name": contact.name,
        "language": "",
        "time_zone": "",
        "region": "",
        "city": contact.city,
        "version": contact.version,
    }
    return client.post(f"/contacts/{contact.pk}/edit/", data | changes)


def test_editing_saves_and_is_audited_without_values(lin, sales, client_for):
    data = {"city": "Hangzhou", "attribute": ["shoe_size", "club", "gone"], "attribute_value": ["43", "Shanye", ""]}
    answer = edit(client_for(sales), lin, name="林晓雯", **data)
    assert answer.status_code == 302
    lin.refresh_from_db()
    assert (lin.name, lin.city, lin.attributes) == ("林晓雯", "Hangzhou", {"shoe_size": 43, "club": "Shanye"})
    assert lin.name_grams
    entry = AuditEntry.objects.get(verb="contact.updated")
    assert entry.details["fields"] == ["name", "city", "attributes"] and "Hangzhou" not in str(entry.details)


def test_bad_input_stands_beside_its_field_and_nothing_typed_is_lost(lin, sales, client_for):
    answer = edit(
        client_for(sales),
        lin,
        name="New name",
        time_zone="Mars/Olympus",
        attribute=["a", "a", "", "b"],
        attribute_value=["1", "2", "orphan", "kept"],
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    for text in (
        "Mars/Olympus",
        "is not a time zone",
        "This name is there twice.",
        "Give the attribute a name.",
        "orphan",
        "kept",
    ):
        assert text in page, text
    assert 'value="New name"' in page
    lin.refresh_from_db()
    assert lin.name == "Lin Xiaowen"


def test_a_row_can_be_added_without_saving(lin, sales, client_for):
    answer = edit(client_for(sales), lin, name="Typed", add="1", attribute=["x"], attribute_value=["1"])
    page = answer.content.decode()
    assert answer.status_code == 200 and page.count('name="attribute"') == 2 and 'value="Typed"' in page
    assert Contact.objects.get(pk=lin.pk).name == "Lin Xiaowen"


def test_nobody_overwrites_what_they_have_not_seen(lin, sales, marketer, client_for):
    """The second of two editors gets a message, both values, the own input, and may decide."""
    assert edit(client_for(marketer), lin, name="By the marketer").status_code == 302
    answer = edit(client_for(sales), lin, name="By sales")
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was overwritten" in page and "By the marketer" in page and 'value="By sales"' in page
    lin.refresh_from_db()
    assert lin.name == "By the marketer"
    assert f'value="{lin.version}"' in page
    assert edit(client_for(sales), lin, name="By sales").status_code == 302
    lin.refresh_from_db()
    assert lin.name == "By sales"


def test_stage_needs_a_reason_and_shows_on_the_timeline(lin, sales, client_for, html):
    client = client_for(sales)
    client.post(f"/contacts/{lin.pk}/stage/", {"stage": "lead", "reason": ""})
    client.post(f"/contacts/{lin.pk}/stage/", {"stage": "nonsense", "reason": "x"})
    assert not lin.stage_changes.filter(to_stage="lead").exists()
    client.post(f"/contacts/{lin.pk}/stage/", {"stage": "lead", "reason": "asked for a quote"})
    lin.refresh_from_db()
    assert lin.stage == "lead"
    page = html(sales, f"/contacts/{lin.pk}/")
    assert "asked for a quote" in page and "→ Lead" in page


def test_handing_over_leads_back_to_the_list(lin, sales, other_sales, client_for):
    answer = client_for(sales).post(f"/contacts/{lin.pk}/owner/", {"owner": other_sales.pk})
    assert answer.url == "/contacts/"
    lin.refresh_from_db()
    assert lin.owner == other_sales and lin.team == other_sales.team
    assert client_for(sales).get(f"/contacts/{lin.pk}/").status_code == 404
    assert client_for(other_sales).get(f"/contacts/{lin.pk}/").status_code == 200


def test_an_inactive_colleague_can_not_own(lin, sales, other_sales, client_for):
    other_sales.is_active = False
    other_sales.save()
    client_for(sales).post(f"/contacts/{lin.pk}/owner/", {"owner": other_sales.pk})
    lin.refresh_from_db()
    assert lin.owner == sales


def test_tags_come_and_go(lin, sales, client_for):
    client = client_for(sales)
    page = client.post(f"/contacts/{lin.pk}/tag/", {"name": "trail runner"}).content.decode()
    assert "trail runner" in page and "<html" not in page
    tag = Tag.objects.get()
    answer = client.post(f"/contacts/{lin.pk}/tag/", {"name": "x" * 70})
    assert answer.status_code == 422 and "x" * 70 in answer.content.decode()
    for _again in range(2):
        assert client.post(f"/contacts/{lin.pk}/untag/{tag.pk}/").status_code == 200
    assert not lin.taggings.exists()
    assert set(lin.events.filter(kind__startswith="tag_").values_list("kind", flat=True)) == {
        "tag_added",
        "tag_removed",
    }


def test_consent_by_staff_needs_a_reason_and_keeps_it_as_proof(lin, sales, client_for):
    client = client_for(sales)
    answer = client.post(f"/contacts/{lin.pk}/consent/", {"channel": "email", "state": "granted", "reason": ""})
    assert answer.status_code == 422 and "it is the proof" in answer.content.decode()
    assert not Consent.objects.filter(contact=lin, channel="email").exists()
    client.post(f"/contacts/{lin.pk}/consent/", {"channel": "email", "state": "granted", "reason": "fair in May"})
    consent = Consent.objects.get(contact=lin, channel="email")
    assert consent.state == "granted" and consent.proof["reason"] == "fair in May"
    answer = client.post(f"/contacts/{lin.pk}/consent/", {"channel": "email", "state": "withdrawn", "reason": "phoned"})
    consent.refresh_from_db()
    assert consent.state == "withdrawn" and "phoned" in answer.content.decode()
    for bad in ({"channel": "pigeon"}, {"state": "pending"}):
        data = {"channel": "email", "state": "granted", "reason": "x"} | bad
        assert client.post(f"/contacts/{lin.pk}/consent/", data).status_code == 422


def propose(one, two) -> Merge:
    evidence = {
        "event": "form_submitted",
        "occurred_at": "2026-05-03T10:00:00",
        "handles": [{"kind": "email", "hint": "l***@163.com"}],
    }
    return Merge.objects.create(survivor=one, other=two, state="proposed", evidence=evidence, created_at=clock.now())


def test_a_proposal_is_compared_accepted_and_undone(lin, person, sales, client_for, html):
    other = person("Lin Duplicate", owner=sales, phone="13900001111")
    merge = propose(lin, other)
    assert "Lin Duplicate may be the same person." in html(sales, f"/contacts/{lin.pk}/")
    page = html(sales, f"/contacts/merges/{merge.pk}/")
    assert "Lin Duplicate" in page and "E-mail l***@163.com" in page and "2026-05-03" in page
    client = client_for(sales)
    answer = client.post(f"/contacts/merges/{merge.pk}/accept/", {"keep": other.pk})
    assert answer.url == f"/contacts/{other.pk}/"
    assert client.get(f"/contacts/{lin.pk}/").url == f"/contacts/{other.pk}/"  # the tombstone leads on
    done = Merge.objects.get(state="done")
    assert "Decided by staff." in html(sales, f"/contacts/{other.pk}/")
    client.post(f"/contacts/merges/{done.pk}/undo/")
    assert client.get(f"/contacts/{lin.pk}/").status_code == 200
    client.post(f"/contacts/merges/{done.pk}/undo/")  # twice does no harm
    assert Merge.objects.get(pk=done.pk).state == "undone"


def test_a_rejected_proposal_is_gone_from_the_page(lin, person, sales, client_for, html):
    merge = propose(lin, person("Other", owner=sales))
    client_for(sales).post(f"/contacts/merges/{merge.pk}/reject/")
    assert "may be the same person" not in html(sales, f"/contacts/{lin.pk}/")
    client_for(sales).post(f"/contacts/merges/{merge.pk}/accept/")
    assert Merge.objects.get(pk=merge.pk).state == "rejected"
    assert "settled already" in html(sales, f"/contacts/merges/{merge.pk}/")


def test_an_earlier_merge_is_undone_only_after_the_later_one(person, sales, client_for):
    one, two, three = (person(name, owner=sales) for name in ("A", "B", "C"))
    first = identity.merge(two, three, {"staff": True}, by=sales)
    identity.merge(one, two, {"staff": True}, by=sales)
    client_for(sales).post(f"/contacts/merges/{first.pk}/undo/")
    assert Merge.objects.get(pk=first.pk).state == "done"
