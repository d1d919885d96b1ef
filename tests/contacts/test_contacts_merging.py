from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from contacts import actions, identity
from contacts.enums import ConsentState, MergeState, Stage, Trust
from contacts.intake import Incoming, append, append_own
from contacts.models import Consent, Contact, Event, Identity, Merge, Segment, SegmentMember, StageChange, Tagging
from scrm.core.models import AuditEntry
from scrm.lib import clock
from tests.contacts.contacts_worlds import NOON, act, ago, browser, customer, email, followed, openid, paid, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(NOON):
        yield


@pytest.fixture
def two(admin):
    """A follower with a tag, and a shop customer with orders, tags, consents and our own events."""
    append([followed("lin", at=ago(days=9), traits={"name": "小林", "size": 42})])
    append([act("page_viewed", openid("lin"), at=ago(days=8))])
    append(
        [
            act(
                "identified",
                customer(7),
                email("lin", Trust.VERIFIED),
                at=ago(days=7),
                traits={"name": "Lin", "city": "杭州", "size": 43},
            )
        ]
    )
    append([paid(customer(7), 1, 100, at=ago(days=6)), paid(customer(7), 2, 20, at=ago(days=5))])
    one, other = Contact.objects.order_by("first_seen_at")
    actions.add_tag(contact_ids=[one.pk, other.pk], name="both", by=admin)
    actions.add_tag(contact_ids=[other.pk], name="theirs", by=admin)
    actions.change_stage(contact_ids=[other.pk], stage=Stage.REPEAT, reason="two orders", by=admin)
    actions.set_consent(contact_id=one.pk, channel="email", state=ConsentState.GRANTED, reason="phone", by=admin)
    with clock.frozen(ago(hours=-1)):
        actions.set_consent(contact_id=other.pk, channel="email", state=ConsentState.WITHDRAWN, reason="mail", by=admin)
    actions.set_consent(contact_id=other.pk, channel="sms", state=ConsentState.GRANTED, reason="mail", by=admin)
    segment = Segment.objects.create(name="list", static=True)
    SegmentMember.objects.create(segment=segment, contact=other, entered_at=NOON)
    append_own([Incoming("message_sent", "email", NOON, contact_id=other.pk, properties={"message": 1})])
    one.refresh_from_db()
    other.refresh_from_db()
    return one, other


def picture(contact):
    """Everything that belongs to a contact, comparable."""
    contact = Contact.objects.get(pk=contact.pk)
    fields = ("name", "name_grams", "known", "stage", "city", "attributes", "event_count", "order_count", "order_total")
    fields += ("first_seen_at", "last_seen_at", "first_order_at", "last_order_at", "merged_into_id", "source_kind")
    return {
        "fields": {name: getattr(contact, name) for name in fields},
        "identities": set(contact.identities.values_list("pk", "kind", "trust")),
        "events": set(
            Event.objects.filter(contact=contact).exclude(kind__startswith="contact_").values_list("pk", flat=True)
        ),
        "orders": set(contact.orders.values_list("external_id", "total")),
        "tags": set(Tagging.objects.filter(contact=contact).values_list("tag__name", "source", "created_at")),
        "consents": set(Consent.objects.filter(contact=contact).values_list("channel", "state", "changed_at")),
        "stages": set(StageChange.objects.filter(contact=contact).values_list("pk", flat=True)),
    }


def test_merging_brings_everything_together(two, admin):
    one, other = two
    events = set(Event.objects.values_list("pk", flat=True))
    done = identity.merge(one, other, {"answered": "yes"}, by=admin)
    one.refresh_from_db()
    other.refresh_from_db()
    assert other.merged_into == one
    assert (one.name, one.city, one.attributes, one.stage) == ("小林", "杭州", {"size": 42}, Stage.REPEAT)
    assert (one.order_count, one.order_total, one.last_order_at) == (2, Decimal(120), ago(days=5))
    assert one.event_count == 5
    assert set(Event.objects.values_list("contact_id", flat=True)) == {one.pk}
    assert set(Event.objects.values_list("pk", flat=True)) > events
    assert set(Tagging.objects.values_list("contact_id", "tag__name")) == {(one.pk, "both"), (one.pk, "theirs")}
    assert set(Consent.objects.values_list("contact_id", "channel", "state")) == {
        (one.pk, "email", ConsentState.WITHDRAWN),
        (one.pk, "sms", ConsentState.GRANTED),
    }
    assert SegmentMember.objects.get().contact == one
    told = Event.objects.get(kind="contact_merged")
    assert told.properties["evidence"] == {"answered": "yes"}
    assert (told.properties["other"], told.properties["merge"]) == (other.pk, done.pk)
    assert AuditEntry.objects.filter(verb="contact.merged").count() == 1
    with pytest.raises(identity.CannotMerge):
        identity.merge(one, other, {})
    with pytest.raises(identity.CannotMerge):
        identity.merge(one, one, {})


def test_unmerging_gives_everything_back(two, admin):
    one, other = two
    before = picture(one), picture(other)
    done = identity.merge(one, other, {"answered": "yes"}, by=admin)
    identity.unmerge(done, by=admin)
    assert (picture(one), picture(other)) == before
    done.refresh_from_db()
    assert done.state == MergeState.UNDONE
    assert set(Event.objects.filter(kind="contact_unmerged").values_list("contact_id", flat=True)) == {one.pk, other.pk}
    with pytest.raises(identity.CannotUnmerge):
        identity.unmerge(done, by=admin)


def test_what_happened_since_goes_with_its_identity(two, admin):
    one, other = two
    done = identity.merge(one, other, {}, by=admin)
    append([paid(customer(7), 3, 7), act("page_viewed", openid("lin"))])
    actions.edit_contact(
        contact_id=one.pk, changes={"city": "上海"}, version=Contact.objects.get(pk=one.pk).version, by=admin
    )
    identity.unmerge(done, by=admin)
    one.refresh_from_db()
    other.refresh_from_db()
    assert (other.order_count, other.order_total) == (3, Decimal(127))
    assert (one.order_count, one.event_count) == (0, 3)
    assert (one.city, other.city) == ("上海", "杭州"), "what a person changed since stays"


def test_a_withdrawal_since_holds_for_both(two, admin):
    one, other = two
    done = identity.merge(one, other, {}, by=admin)
    with clock.frozen(ago(days=-1)):
        actions.set_consent(contact_id=one.pk, channel="sms", state=ConsentState.WITHDRAWN, reason="call", by=admin)
    identity.unmerge(done, by=admin)
    assert set(Consent.objects.filter(channel="sms").values_list("contact_id", "state")) == {
        (one.pk, ConsentState.WITHDRAWN),
        (other.pk, ConsentState.WITHDRAWN),
    }


def test_only_the_last_merge_can_be_undone(two, admin):
    one, other = two
    append([followed("third")])
    third = Contact.objects.living().exclude(pk__in=[one.pk, other.pk]).get()
    first = identity.merge(other, third, {}, by=admin)
    second = identity.merge(one, other, {}, by=admin)
    with pytest.raises(identity.CannotUnmerge):
        identity.unmerge(first, by=admin)
    identity.unmerge(second, by=admin)
    assert Contact.objects.get(pk=other.pk).merged_into is None


def test_after_an_unmerge_the_same_evidence_merges_nobody(two, admin):
    one, other = two
    done = identity.merge(one, other, {}, by=admin)
    identity.unmerge(done, by=admin)
    append([act("identified", openid("lin"), email("lin", Trust.VERIFIED))])
    assert Contact.objects.living().count() == 2
    assert not Merge.objects.filter(state=MergeState.PROPOSED).exists()


def test_other_rooms_are_told(two, admin, settings):
    one, other = two
    settings.CONTACT_MERGE_HANDLERS = [f"{__name__}.on_merge"]
    settings.CONTACT_UNMERGE_HANDLERS = [f"{__name__}.on_unmerge"]
    calls.clear()
    identity.unmerge(identity.merge(one, other, {}, by=admin), by=admin)
    assert calls == [("merge", one.pk, other.pk), ("unmerge", one.pk, other.pk)]


calls: list = []


def on_merge(survivor_id, other_id):
    calls.append(("merge", survivor_id, other_id))


def on_unmerge(survivor_id, other_id):
    calls.append(("unmerge", survivor_id, other_id))


def test_proposals_are_accepted_or_rejected(admin):
    append(
        [act("identified", user("a"), email("anna", Trust.VERIFIED)), act("form_submitted", browser(9), email("anna"))]
    )
    proposal = Merge.objects.get()
    identity.reject(proposal, by=admin)
    append([act("form_submitted", browser(9), email("anna"))])
    assert Merge.objects.get().state == MergeState.REJECTED
    append([act("form_submitted", browser(10), email("anna"))])
    second = Merge.objects.get(state=MergeState.PROPOSED)
    done = identity.accept(second, survivor_id=second.other_id, by=admin)
    assert (done.survivor_id, done.other_id, done.state) == (second.other_id, second.survivor_id, MergeState.DONE)
    assert not Merge.objects.filter(state=MergeState.PROPOSED).exists()


def test_confirming_by_the_owner_raises_trust():
    (answer,) = append([act("form_submitted", browser(1), email("vera"))])
    mail = Identity.objects.get(kind="email")
    assert identity.confirm(mail, {"by": "confirmed link"}) == answer.contact_id
    mail.refresh_from_db()
    assert (mail.trust, mail.evidence) == (Trust.VERIFIED, {"by": "confirmed link"})


def test_confirming_for_another_contact_follows_the_trust_rules():
    append([act("identified", user("a"), email("anna", Trust.VERIFIED)), act("page_viewed", browser(9))])
    mail = Identity.objects.get(kind="email")
    visitor = Contact.objects.get(known=False)
    assert identity.confirm(mail, {"by": "confirmed link"}, contact_id=visitor.pk) == mail.contact_id
    assert Contact.objects.living().count() == 1
    append([act("form_submitted", browser(1), email("vera")), followed("lin")])
    claimed = Identity.objects.filter(kind="email").latest("pk")
    follower = Contact.objects.living().get(identities__kind="openid")
    assert identity.confirm(claimed, {"by": "confirmed link"}, contact_id=follower.pk) == follower.pk
    assert Merge.objects.filter(state=MergeState.PROPOSED).count() == 1


def test_revealing_needs_the_permission_and_is_audited(admin, marketer):
    append([act("form_submitted", browser(1), email("vera"))])
    mail = Identity.objects.get(kind="email")
    assert identity.reveal(mail, by=admin) == "vera@example.com"
    assert AuditEntry.objects.filter(verb="identity.revealed", by=admin).count() == 1
    with pytest.raises(PermissionDenied):
        identity.reveal(mail, by=marketer)
    assert "vera@" not in str(list(AuditEntry.objects.values()))
