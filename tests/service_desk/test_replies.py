"""Answering: through the ledger, with the version the writer saw; what fails comes back; notes stay with us."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import dispatch, ways
from contacts.enums import EventKind, IdentityKind
from contacts.models import Event, Identity
from scrm.core.models import Notification
from scrm.lib import clock
from service_desk import actions
from service_desk.enums import EntryKind
from service_desk.models import Conversation, Entry
from tests.campaigns.world import NOON, account, identity, refuse
from tests.service_desk.desk import comments, digest_all, later, says, talk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(later(minutes=10)):
        yield


def answer(conversation, by, text="马上为您查", key="", **options):
    conversation.refresh_from_db()
    found = ways(
        conversation.contact_id, channel=conversation.channel, identity_id=conversation.identity_id, comment=True
    )
    way = next(w for w in found if w.key == (key or conversation.channel))
    options.setdefault("version", conversation.version)
    return actions.post_reply(conversation=conversation, text=text, way=way, by=by, **options)


def post(client, conversation, text="马上为您查", way="oa", htmx=True, **data):
    data = {"text": text, "way": way, "version": Conversation.objects.get(pk=conversation.pk).version, **data}
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(reverse("service_desk:conversation_reply", args=[conversation.pk]), data, headers=headers)


def offered(page: str) -> list[str]:
    """Ways in the box, the chosen one with a star."""
    box = page.partition('name="way"')[2].partition("</select>")[0]
    return [f"{key}{'*' if chosen else ''}" for key, chosen in re.findall(r'<option value="(\w+)"( selected)?', box)]


def test_a_reply_goes_through_the_ledger(oa, platform, agent):
    one = talk(oa, "在吗")
    entry = answer(one, agent)
    one.refresh_from_db()
    message = Message.objects.get(pk=entry.message_id)
    assert (message.key, message.purpose, message.origin, message.origin_id) == (
        f"reply:{entry.pk}",
        "service",
        "agent",
        agent.pk,
    )
    assert message.ref == {"conversation": one.pk, "entry": entry.pk}
    assert (one.waiting_since, one.unread, one.assignee, one.last_kind, one.excerpt) == (
        None,
        0,
        agent,
        "reply",
        "马上为您查",
    )
    dispatch.run_once()
    assert platform.sent[0][2].text == "马上为您查"
    assert Event.objects.get(kind=EventKind.MESSAGE_SENT).properties["ref"]["entry"] == entry.pk


def test_two_agents_at_once_the_second_sees_the_first_and_confirms(oa, agent, admin, client_for):
    one = talk(oa, "在吗")
    seen = one.version
    assert post(client_for(admin), one, "我来答", version=seen).status_code == 200
    late = post(client_for(agent), one, "我也答了", version=seen)
    text = late.content.decode()
    assert late.status_code == 422
    assert "我也答了" in text
    assert "Send anyway" in text
    assert Message.objects.count() == 1
    one.refresh_from_db()
    assert f'name="version" value="{one.version}"' in text
    assert post(client_for(agent), one, "我也答了").status_code == 200
    assert [e.body for e in Entry.objects.filter(kind=EntryKind.REPLY).order_by("pk")] == ["我来答", "我也答了"]


def test_without_scripts_the_conflict_is_a_page_with_the_first_answer_and_the_draft(oa, agent, admin, client_for):
    one = talk(oa, "在吗")
    answer(one, admin, "第一个答复")
    page = post(client_for(agent), one, "我的草稿", version=1, htmx=False)
    assert page.status_code == 422
    assert "第一个答复" in page.content.decode()
    assert "我的草稿" in page.content.decode()


def test_sending_the_same_form_twice_sends_once(oa, agent, client_for):
    one = talk(oa, "在吗")
    version = one.version
    assert post(client_for(agent), one, version=version).status_code == 200
    assert post(client_for(agent), one, version=version).status_code == 422
    assert Message.objects.count() == 1


def test_the_closed_window_says_why_and_offers_what_is_left(oa, agent, client_for):
    account("email")
    contact = says(oa, "在吗", at=NOON - timedelta(days=3))
    one = Conversation.objects.get()
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert "reply window is closed" in page
    assert "no other channel" in page
    identity(contact, IdentityKind.EMAIL, "lin@example.com")
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert '<option value="email" selected>' in page
    refused = post(client_for(agent), one, "还在", way="oa")
    assert refused.status_code == 422
    assert "reply window is closed" in refused.content.decode()
    assert "还在" in refused.content.decode()
    assert post(client_for(agent), one, "补寄已发出", way="email", subject="Re: 鞋底").status_code == 200
    assert Message.objects.get().body == {"kind": "email", "text": "补寄已发出", "data": {"subject": "Re: 鞋底"}}


def test_the_window_is_shown_with_what_is_left(oa, agent, client_for):
    one = talk(oa, "在吗")
    answer(one, agent)
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert "4 of 5 messages left" in page
    assert "11-22 12:00" in page


def test_a_comment_is_answered_in_public_and_privately_once_there_is_a_message(weibo, platform, agent, client_for):
    contact = comments(weibo, "鞋底掉了", comment_id="c9")
    one = Conversation.objects.get(contact=contact)
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert offered(page) == ["comment*"]
    assert post(client_for(agent), one, "给您添麻烦了", way="comment").status_code == 200
    dispatch.run_once()
    assert platform.sent[0][2].kind == "comment"
    assert platform.sent[0][2].data == {"comment_id": "c9", "post_id": "p1"}
    says(weibo, "私信说吧", who="1792", at=later(minutes=5))
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert offered(page) == ["weibo*", "comment"]


def test_a_reply_that_fails_waits_again_and_its_author_is_told_once(oa, platform, agent, client_for):
    one = talk(oa, "在吗")
    entry = answer(one, agent)
    platform.answers["*"] = [refuse("no", permanent=True)]
    dispatch.run_once()
    digest_all()
    one.refresh_from_db()
    assert one.waiting_since == entry.at
    line = one.entries.get(kind=EntryKind.LOG, data__what="not_sent")
    assert line.data["entry"] == entry.pk
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert "Not sent: Rejected by the platform" in page
    assert 'data-again="马上为您查"' in page
    event = Event.objects.get(kind=EventKind.MESSAGE_FAILED)
    from contacts.consumers.reading import by_ids
    from service_desk.consumers.conversations import consume

    consume(by_ids([event.id]))
    assert Notification.objects.filter(user=agent).count() == 1


def test_the_gates_may_refuse_at_the_last_moment_and_nothing_is_kept(oa, agent):
    one = talk(oa, "在吗")
    way = ways(one.contact_id, channel="oa", identity_id=one.identity_id)[0]
    Identity.objects.update(reachable=False)
    with pytest.raises(actions.CannotReply) as refused:
        actions.post_reply(conversation=one, text="x", way=way, version=one.version, by=agent)
    assert refused.value.reason == "unreachable"
    assert not Entry.objects.filter(kind=EntryKind.REPLY).exists()
    assert not Message.objects.exists()
    assert not Event.objects.filter(kind=EventKind.MESSAGE_SUPPRESSED).exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "Write something first"), ("   ", "Write something first"), ("字" * 700, "Too long for this channel")],
)
def test_bad_texts_come_back_with_the_reason(oa, agent, client_for, text, words):
    answer = post(client_for(agent), talk(oa), text)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Message.objects.exists()


def test_a_closed_conversation_takes_no_reply(oa, agent, client_for):
    one = talk(oa)
    actions.close_conversation(conversation=one, by=agent)
    refused = post(client_for(agent), one)
    assert refused.status_code == 422
    assert not Message.objects.exists()


class TestNotes:
    def note(self, client, one, text):
        return client.post(
            reverse("service_desk:conversation_note", args=[one.pk]), {"text": text}, headers={"HX-Request": "true"}
        )

    def test_a_named_colleague_is_told_with_a_link(self, oa, agent, admin, marketer, client_for):
        one = talk(oa, name="林晓雯")
        assert self.note(client_for(agent), one, f"@{admin.name} @{marketer.name} 请看 @nobody").status_code == 200
        told = Notification.objects.get()
        assert (told.user, told.url) == (admin, one.get_absolute_url())
        assert "林晓雯" in told.text

    def test_who_does_not_see_the_customer_is_not_told_of_it(self, oa, agent, sales, client_for):
        sales.role.permissions.append("service.work")
        sales.role.save()
        one = talk(oa)
        self.note(client_for(agent), one, f"@{sales.name} 看看")
        assert not Notification.objects.exists()

    def test_notes_never_leave_the_house(self, oa, platform, agent, client_for):
        """Nothing that goes to a customer or into the log of their acts is made from a note."""
        one = talk(oa)
        self.note(client_for(agent), one, "此人难缠，别退款")
        answer(one, agent, "您好")
        dispatch.run_once()
        digest_all()
        assert [rendered.text for _a, _k, rendered in platform.sent] == ["您好"]
        assert "难缠" not in str(list(Message.objects.values("body", "context", "ref", "decisions")))
        assert "难缠" not in str(list(Event.objects.values_list("properties", flat=True)))
        one.refresh_from_db()
        assert "难缠" not in one.excerpt
        assert "难缠" in client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()

    def test_an_empty_note_comes_back(self, oa, agent, client_for):
        assert self.note(client_for(agent), talk(oa), " ").status_code == 422


def test_context_from_the_ledger_and_the_log(oa, platform, agent, client_for):
    from contacts import intake
    from contacts.intake import Incoming
    from tests.campaigns.world import ask, written

    one = talk(oa, "在吗")
    from campaigns.sending import submit

    content = written(purpose="transactional")
    submit([ask(one.contact, content, "oa")])
    dispatch.run_once()
    intake.append_own(
        [
            Incoming(
                kind="auto_replied",
                channel="oa",
                occurred_at=NOON,
                account_id=oa.pk,
                contact_id=one.contact_id,
                properties={"text": "感谢关注山野跑步"},
            )
        ]
    )
    page = client_for(agent).get(reverse("service_desk:conversation", args=[one.pk])).content.decode()
    assert content.name in page
    assert "感谢关注山野跑步" in page
    assert Message.objects.get().state == State.SENT
