from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.enums import IdentityKind, MergeState, OrderState, Trust
from contacts.identity import address, find
from contacts.intake import Handle, Incoming, append, append_own
from contacts.models import Contact, Event, Identity, Merge, Order
from scrm.lib import clock
from tests.contacts.contacts_worlds import (
    NOON,
    OA,
    act,
    ago,
    browser,
    customer,
    email,
    followed,
    openid,
    paid,
    refunded,
    user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(NOON):
        yield


def test_a_follow_makes_a_contact_with_its_first_touch():
    event = followed(
        "lin",
        traits={"name": "小林", "city": "杭州", "shoe_size": 42},
        source={"kind": "qr_scene", "label": "shop window", "account_id": 7},
    )
    (answer,) = append([event])
    assert answer.created
    contact = Contact.objects.get(pk=answer.contact_id)
    assert (contact.name, contact.city, contact.attributes) == ("小林", "杭州", {"shoe_size": 42})
    assert (contact.source_kind, contact.source_label, contact.source_account_id) == ("qr_scene", "shop window", 7)
    assert contact.known
    assert "小林" in contact.name_grams
    identity = contact.identities.get()
    assert identity.trust == Trust.VERIFIED
    assert identity.last_touch_at == NOON
    assert identity.last_inbound_at is None
    assert address(identity) == "o-lin-0123456789"
    assert b"o-lin" not in bytes(identity.value)
    stored = Event.objects.get()
    assert (stored.id, stored.contact_id, stored.identity_id) == (answer.event_id, contact.pk, identity.pk)
    assert stored.local_date.isoformat() == "2026-05-20"


def test_windows_and_reachability_follow_the_kind():
    append([followed("lin", at=ago(hours=3)), act("message_in", openid("lin"), at=ago(hours=2), account=OA)])
    identity = Identity.objects.get()
    assert (identity.last_touch_at, identity.last_inbound_at, identity.reachable) == (ago(hours=3), ago(hours=2), True)
    append([act("unfollowed", openid("lin"), at=ago(hours=1), account=OA)])
    identity.refresh_from_db()
    assert not identity.reachable
    append([act("menu_clicked", openid("lin"), account=OA)])
    identity.refresh_from_db()
    assert identity.reachable
    assert identity.last_touch_at == NOON
    assert identity.last_inbound_at == ago(hours=2)


def test_a_redelivery_is_dropped_even_with_another_moment():
    first = act("page_viewed", browser(1), key="same", at=ago(days=40))
    again = act("page_viewed", browser(1), key="same", at=NOON)
    one, two = append([first, again])
    (three,) = append([act("page_viewed", browser(1), key="same", at=ago(days=400))])
    assert one.event_id
    assert two.event_id is None
    assert three.event_id is None
    assert three.contact_id == one.contact_id
    assert Event.objects.count() == 1
    assert Contact.objects.get().event_count == 1
    other_account = act("page_viewed", browser(1), key="same", account=9)
    assert append([other_account])[0].event_id


def test_an_event_that_names_nobody_is_refused_quietly():
    answers = append(
        [
            act("page_viewed"),
            act("page_viewed", Handle(IdentityKind.EMAIL, "not an address")),
            act("page_viewed", browser(1)),
        ]
    )
    assert [answer.event_id is None for answer in answers] == [True, True, False]
    assert Event.objects.count() == 1


def test_any_text_survives_and_what_postgres_cannot_hold_is_left_out():
    text = 'tab\t newline\n back\\slash "quotes" \\N é 你好 \x00 \ud800 {}'
    append(
        [
            act(
                "track:Odd\tname",
                browser(1),
                properties={"text": text, "deep": [{"\x00k": 2**70}], "n": Decimal("1.50")},
            )
        ]
    )
    stored = Event.objects.get()
    assert stored.kind == "track:Odd\tname"
    assert stored.properties["text"].startswith('tab\t newline\n back\\slash "quotes" \\N é 你好 ')
    assert stored.properties["deep"] == [{"k": str(2**70)}]
    assert stored.properties["n"] == "1.50"


def test_moments_of_any_month_find_their_partition_and_impossible_ones_become_now():
    moments = [
        datetime(1997, 1, 1, tzinfo=UTC),
        datetime(2020, 2, 29, 23, 59, tzinfo=UTC),
        NOON,
        datetime(2099, 5, 5, tzinfo=UTC),
    ]
    append([act("page_viewed", browser(1), at=moment) for moment in moments])
    assert sorted(Event.objects.values_list("occurred_at", flat=True)) == [moments[0], moments[1], NOON, NOON]
    with clock.frozen(datetime(2099, 5, 5, tzinfo=UTC)):
        append([act("page_viewed", browser(2), at=moments[3])])
    assert Event.objects.filter(occurred_at__year=2099).count() == 1
    contact = Contact.objects.get(identities__index=find(IdentityKind.ANONYMOUS, "browser-1").index)
    assert (contact.first_seen_at, contact.last_seen_at) == (moments[0], NOON)


def test_what_we_do_is_no_act_of_the_person():
    (answer,) = append([followed("lin", at=ago(days=3))])
    append_own([Incoming("message_sent", "oa", NOON, contact_id=answer.contact_id, properties={"message": 5})])
    contact = Contact.objects.get()
    assert contact.event_count == 1
    assert contact.last_seen_at == ago(days=3)
    clicked, opened = append_own(
        [
            Incoming("message_clicked", "oa", NOON, contact_id=answer.contact_id, external_id="click-1"),
            Incoming("message_opened", "email", NOON, contact_id=answer.contact_id, properties={"machine": True}),
        ]
    )
    contact.refresh_from_db()
    assert contact.event_count == 2
    assert contact.last_seen_at == NOON
    assert (
        append_own([Incoming("message_clicked", "oa", NOON, contact_id=answer.contact_id, external_id="click-1")])[
            0
        ].event_id
        is None
    )
    with pytest.raises(ValueError, match="contact_id"):
        append_own([Incoming("message_sent", "oa", NOON)])


def test_orders_and_refunds_keep_the_totals():
    who = customer(77)
    append(
        [
            paid(who, 1, "100.50", at=ago(days=9), quantity=2),
            paid(who, 2, 50, at=ago(days=2), lines=[{"sku": "a", "quantity": 3}]),
        ]
    )
    contact = Contact.objects.get()
    assert (contact.order_count, contact.order_total) == (2, Decimal("150.50"))
    assert (contact.first_order_at, contact.last_order_at) == (ago(days=9), ago(days=2))
    assert list(contact.orders.order_by("pk").values_list("quantity", flat=True)) == [2, 3]
    append([refunded(who, 1, "20.50")])
    contact.refresh_from_db()
    assert contact.order_total == Decimal("130.00")
    assert Order.objects.get(external_id="1").state == OrderState.PART_REFUNDED
    append([refunded(who, 2)])
    contact.refresh_from_db()
    assert (contact.order_count, contact.order_total, contact.last_order_at) == (1, Decimal("80.00"), ago(days=9))
    append([paid(who, 1, "999", at=NOON)])  # another telling of the same order
    contact.refresh_from_db()
    assert contact.order_total == Decimal("80.00")


def test_a_refund_that_comes_before_its_order():
    who = customer(77)
    append([refunded(who, 5, "30")])
    contact = Contact.objects.get()
    assert (contact.order_count, contact.order_total) == (0, 0)
    append([paid(who, 5, "100")])
    contact.refresh_from_db()
    assert (contact.order_count, contact.order_total) == (1, Decimal("70.00"))


def test_traits_fill_blanks_and_only_proof_that_is_newer_replaces():
    append([act("identified", user("a"), at=ago(days=5), traits={"name": "Anna", "city": "Hangzhou", "plan": "free"})])
    append(
        [
            act(
                "page_viewed",
                browser(1),
                user("a", Trust.CLAIMED),
                at=ago(days=4),
                traits={"name": "Mallory", "age": 30},
            )
        ]
    )
    append([act("page_viewed", user("a", Trust.CLAIMED), at=ago(days=4), traits={"name": "Mallory", "shirt": "M"})])
    contact = Contact.objects.get(name="Anna")
    append(
        [
            act(
                "identified",
                user("a"),
                at=ago(days=6),
                traits={"name": "Old", "language": "zh", "time_zone": "Mars/Base"},
            )
        ]
    )
    contact.refresh_from_db()
    assert (contact.name, contact.city, contact.language, contact.time_zone) == ("Anna", "Hangzhou", "zh", "")
    append([act("identified", user("a"), at=ago(days=1), traits={"name": "Anna Li", "plan": "pro"})])
    contact.refresh_from_db()
    assert (contact.name, contact.attributes) == ("Anna Li", {"plan": "pro", "shirt": "M"})
    Contact.objects.filter(pk=contact.pk).update(name="By hand", version=2)
    append([act("identified", user("a"), traits={"name": "Platform"})])
    contact.refresh_from_db()
    assert contact.name == "By hand"


def test_an_unknown_visitor_may_change_his_mind():
    append([act("page_viewed", browser(1), at=ago(days=2), traits={"size": 41})])
    append([act("page_viewed", browser(1), at=ago(days=1), traits={"size": 42})])
    assert Contact.objects.get().attributes == {"size": 42}


def test_a_claim_of_somebody_elses_address_merges_nobody_and_is_proposed_once():
    append([act("identified", user("a"), email("anna", Trust.VERIFIED))])
    owner = Contact.objects.get()
    answers = append([act("form_submitted", browser(9), email("anna")) for _ in range(3)])
    assert {answer.contact_id for answer in answers} != {owner.pk}
    visitor = Contact.objects.get(pk=answers[0].contact_id)
    assert not visitor.known
    proposal = Merge.objects.get()
    assert (proposal.survivor, proposal.other, proposal.state) == (owner, visitor, MergeState.PROPOSED)
    assert "anna@example.com" not in str(proposal.evidence)
    assert [handle["hint"] for handle in proposal.evidence["handles"]] == ["browser-9", "an***@example.com"]


def test_proof_takes_over_what_was_only_claimed():
    """Somebody typed Anna's address into a form; then her own shop account proves it."""
    append([followed("mallory"), act("form_submitted", openid("mallory"), email("anna"))])
    mallory = Contact.objects.get()
    (answer,) = append([act("identified", user("anna"), email("anna", Trust.VERIFIED))])
    assert answer.contact_id != mallory.pk
    identity = find(IdentityKind.EMAIL, "anna@example.com")
    assert (identity.contact_id, identity.trust) == (answer.contact_id, Trust.VERIFIED)
    assert Merge.objects.get().state == MergeState.PROPOSED
    assert Contact.objects.living().count() == 2


def test_a_visitors_claim_becomes_his_by_proof():
    (answer,) = append([act("form_submitted", browser(1), email("vera"))])
    visitor = Contact.objects.get()
    assert visitor.known
    append([act("email_confirmed", email("vera", Trust.VERIFIED))])
    assert Contact.objects.get().pk == answer.contact_id
    assert find(IdentityKind.EMAIL, "vera@example.com").evidence["by"] == "confirmed link"


def test_proven_handles_of_two_people_merge_them():
    append([followed("lin", at=ago(days=9))])
    append([act("form_submitted", browser(1), email("lin")), act("email_confirmed", email("lin", Trust.VERIFIED))])
    follower, visitor = Contact.objects.order_by("first_seen_at")
    (answer,) = append([act("identified", openid("lin"), email("lin", Trust.VERIFIED))])
    assert answer.contact_id == follower.pk
    visitor.refresh_from_db()
    assert visitor.merged_into == follower
    assert set(Event.objects.values_list("contact_id", flat=True)) == {follower.pk}
    assert Event.objects.filter(kind="contact_merged").count() == 1


def test_a_magnet_is_stopped(settings):
    settings.IDENTITY_LIMITS = {"anonymous": 3, "other": 2}
    append([act("identified", user("desk"), browser(n, Trust.VERIFIED)) for n in range(5)])
    contact = Contact.objects.get(known=True)
    assert contact.identities.filter(kind=IdentityKind.ANONYMOUS).count() == 3
    append(
        [
            act("identified", user("x"), email("x", Trust.VERIFIED)),
            act("identified", user("y"), email("y", Trust.VERIFIED)),
        ]
    )
    append([act("identified", user("x"), user("y"))])
    append([act("identified", user("z"), email("z", Trust.VERIFIED)), act("identified", user("x"), user("z"))])
    assert Merge.objects.filter(state=MergeState.DONE).count() == 1
    assert Merge.objects.filter(state=MergeState.PROPOSED).count() == 1


def test_a_contact_that_was_merged_still_receives_events_by_its_old_number():
    (one,), (two,) = append([followed("a")]), append([followed("b")])
    append([act("identified", openid("a"), openid("b"))])
    survivor = Contact.objects.living().get()
    gone = ({one.contact_id, two.contact_id} - {survivor.pk}).pop()
    own, clicked = append_own(
        [
            Incoming("message_sent", "oa", NOON, contact_id=gone),
            Incoming("message_clicked", "oa", NOON, contact_id=gone),
        ]
    )
    assert own.contact_id == clicked.contact_id == survivor.pk
    (named,) = append(
        [Incoming("email_confirmed", "email", NOON, contact_id=gone, handles=[email("n", Trust.VERIFIED)])]
    )
    assert named.contact_id == survivor.pk
    assert set(Event.objects.values_list("contact_id", flat=True)) == {survivor.pk}


def _thousand(offset):
    events = []
    for n in range(1000):
        who = n % 400
        if n % 3 == 0:
            events.append(act("page_viewed", browser(offset + n), traits={"size": n}))
        elif n % 3 == 1:
            events.append(act("message_in", openid(who), properties={"text": "你好"}, account=OA))
        else:
            events.append(paid(customer(who), offset + n, n, at=ago(days=n % 300)))
    return events


def test_a_thousand_events_cost_as_many_statements_as_fifty():
    append(_thousand(0)[:300])  # the months' partitions exist from here on
    costs = []
    for batch in (_thousand(10_000)[:50], _thousand(20_000)):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            append(batch)
        costs.append(len(queries))
    assert costs[1] <= costs[0] + 1
    assert costs[1] < 40


def test_identities_last_seen_is_kept_to_the_hour():
    append([act("page_viewed", browser(1), at=NOON)])
    with clock.frozen(NOON + timedelta(minutes=10)):
        append([act("page_viewed", browser(1), at=NOON + timedelta(minutes=10))])
    assert Identity.objects.get().last_seen_at == NOON
    with clock.frozen(NOON + timedelta(minutes=90)):
        append([act("page_viewed", browser(1), at=NOON + timedelta(minutes=90))])
    assert Identity.objects.get().last_seen_at == NOON + timedelta(minutes=90)
