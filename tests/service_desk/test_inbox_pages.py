"""The inbox as pages: who sees what, folders, decisions, canned replies, constant numbers of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Contact, Order
from scrm.core.models import AuditEntry, Notification
from scrm.lib import clock
from service_desk import actions
from service_desk.enums import ConversationState, EntryKind, Presence
from service_desk.models import AgentPresence, CannedReply, Conversation, Entry
from tests.campaigns.world import NOON
from tests.service_desk.desk import comments, later, says, talk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with clock.frozen(later(minutes=10)):
        yield


def inbox(client, **query):
    return client.get(reverse("service_desk:inbox"), query)


def at(name, one):
    return reverse(f"service_desk:{name}", args=[one.pk])


GETS = ["conversation", "conversation_thread", "conversation_info", "conversation_composer", "conversation_canned"]
GETS += ["conversation_assign", "conversation_snooze"]
POSTS = {
    "conversation_reply": {"text": "x", "way": "oa", "version": 1},
    "conversation_note": {"text": "x"},
    "conversation_take": {},
    "conversation_assign": {"to": ""},
    "conversation_snooze": {"usual": "hour"},
    "conversation_close": {},
    "conversation_reopen": {},
}


class TestAccess:
    def test_who_may_work_at_the_desk(self, oa, cast, client_for):
        one = talk(oa)
        Contact.objects.update(team=cast["manager"].team)
        for name, status in {
            "admin": 200,
            "agent": 200,
            "manager": 200,
            "marketer": 403,
            "sales": 403,
            "outsider": 403,
        }.items():
            client = client_for(cast[name])
            assert inbox(client).status_code == status, name
            for view in GETS:
                assert client.get(at(view, one)).status_code == status, (name, view)
            if status == 403:
                for view, data in POSTS.items():
                    assert client.post(at(view, one), data).status_code == 403, (name, view)
                assert client.post(reverse("service_desk:presence"), {"state": "away"}).status_code == 403
        one.refresh_from_db()
        assert one.version == 1

    def test_somebody_elses_customer_is_not_there(self, oa, sales, client_for):
        sales.role.permissions.append("service.work")
        sales.role.save()
        mine, other = talk(oa, "我的", who="o-1", name="我的客户"), talk(oa, "别人的", who="o-2", name="别的客户")
        Contact.objects.filter(pk=mine.contact_id).update(owner=sales)
        client = client_for(sales)
        page = inbox(client, folder="all").content.decode()
        assert "我的客户" in page
        assert "别的客户" not in page
        for view in GETS:
            assert client.get(at(view, mine)).status_code == 200, view
            assert client.get(at(view, other)).status_code == 404, view
        for view, data in POSTS.items():
            assert client.post(at(view, other), data).status_code == 404, view
        other.refresh_from_db()
        assert (other.version, other.unread) == (1, 1)

    def test_contact_points_are_masked_even_for_who_may_see_them(self, oa, admin, client_for):
        from contacts.enums import IdentityKind
        from tests.campaigns.world import identity

        one = talk(oa)
        identity(one.contact, IdentityKind.EMAIL, "linxiaowen@example.com")
        page = client_for(admin).get(at("conversation", one)).content.decode()
        assert "linxiaowen" not in page
        assert "li***" in page

    def test_reading_only_by_get_and_writing_only_by_post(self, oa, agent, client_for):
        one = talk(oa)
        for view in (
            "conversation_reply",
            "conversation_note",
            "conversation_take",
            "conversation_close",
            "conversation_reopen",
        ):
            assert client_for(agent).get(at(view, one)).status_code == 405


class TestList:
    def test_folders_channels_and_search(self, oa, weibo, agent, admin, client_for):
        mine, free = talk(oa, "一", who="o1", name="赵启航"), talk(oa, "二", who="o2", name="林晓雯")
        comments(weibo, "三")
        slept, closed = talk(oa, "四", who="o4", name="顾文博"), talk(oa, "五", who="o5", name="孟思远")
        actions.assign_conversation(conversation=mine, to=agent, by=agent)
        actions.snooze_conversation(conversation=slept, until=later(days=1), by=admin)
        actions.close_conversation(conversation=closed, by=admin)
        client = client_for(agent)
        for query, shown in {
            "folder=mine": {"一"},
            "folder=unassigned": {"二", "三"},
            "folder=all": {"一", "二", "三"},
            "folder=snoozed": {"四"},
            "folder=closed": {"五"},
            "folder=all&channel=weibo": {"三"},
            "folder=all&q=林晓": {"二"},
            f"folder=all&q=%23{free.pk}": {"二"},
            "folder=nonsense&channel=nonsense&at=nonsense": {"一"},
            "": {"一"},
        }.items():
            page = client.get(f"{reverse('service_desk:inbox')}?{query}")
            assert {row.excerpt for row in page.context["listed"].rows} == shown, query
        assert page.context["listed"].counts == {"mine": 1, "unassigned": 2, "all": 3}

    def test_one_and_thirty_cost_the_same(self, oa, agent, client_for):
        client = client_for(agent)

        def cost(address) -> int:
            with CaptureQueriesContext(connection) as seen:
                assert client.get(address).status_code == 200
            return len(seen)

        one = talk(oa, "0", who="o0")
        inbox(client)
        addresses = [reverse("service_desk:inbox_rows"), at("conversation", one)]
        before = [cost(address) for address in addresses]
        for n in range(1, 31):
            says(oa, f"{n}", who=f"o{n}", digest=False)
            says(oa, f"more {n}", who="o0", digest=n == 30)
        assert [cost(address) for address in addresses] == before
        assert before[0] <= 14
        assert before[1] <= 45

    def test_pages_go_by_keyset(self, oa, agent, client_for):
        for n in range(35):
            says(oa, f"{n}", who=f"o{n}", at=later(seconds=n), digest=n == 34)
        client = client_for(agent)
        first = inbox(client, folder="all").context["listed"]
        assert [row.excerpt for row in first.rows][:2] == ["34", "33"]
        second = inbox(client, folder="all", at=first.next).context["listed"]
        assert [row.excerpt for row in second.rows] == ["4", "3", "2", "1", "0"]

    def test_looking_takes_the_unread_mark_away(self, oa, agent, client_for):
        one = talk(oa)
        client_for(agent).get(at("conversation", one))
        one.refresh_from_db()
        assert (one.unread, one.waiting_since, one.version) == (0, NOON, 1)

    def test_earlier_entries_come_by_the_button(self, oa, agent, client_for):
        for n in range(70):
            says(oa, f"wort {n}!", at=later(seconds=n), digest=n == 69)
        one = Conversation.objects.get()
        page = client_for(agent).get(at("conversation", one))
        assert "wort 69!" in page.content.decode()
        assert "wort 5!" not in page.content.decode()
        before = page.context["thread"].earlier
        part = client_for(agent).get(f"{at('conversation_thread', one)}?before={before}").content.decode()
        assert "wort 5!" in part
        assert "<header" not in part

    def test_empty_states(self, company, agent, client_for):
        assert "Nothing to answer here" in inbox(client_for(agent)).content.decode()
        assert "Nothing is snoozed" in inbox(client_for(agent), folder="snoozed").content.decode()


class TestDecisions:
    def log(self, one):
        return [e.data["what"] for e in Entry.objects.filter(conversation=one, kind=EntryKind.LOG).order_by("pk")]

    def test_take_close_reopen(self, oa, agent, client_for):
        one, client = talk(oa), client_for(agent)
        for view in ("conversation_take", "conversation_close", "conversation_close", "conversation_reopen"):
            assert client.post(at(view, one), {"back": "folder=all&q=x&evil=//y"}).status_code == 302
        one.refresh_from_db()
        assert (one.assignee, one.state, self.log(one)) == (agent, "open", ["taken", "closed", "reopened"])
        verbs = list(AuditEntry.objects.filter(by=agent).order_by("pk").values_list("verb", flat=True))
        assert verbs == ["conversation.assigned", "conversation.closed", "conversation.reopened"]
        answer = client.post(at("conversation_take", one), {"back": "folder=all&q=x&evil=//y"})
        assert answer.url == f"{one.get_absolute_url()}?folder=all&q=x"

    def test_hand_over_with_a_note(self, oa, agent, admin, client_for):
        one = talk(oa, name="林晓雯")
        data = {"to": admin.pk, "note": "要开专票"}
        assert client_for(agent).post(at("conversation_assign", one), data).status_code == 302
        one.refresh_from_db()
        assert (one.assignee, one.entries.get(kind=EntryKind.NOTE).body) == (admin, "要开专票")
        told = Notification.objects.get()
        assert (told.user, told.url) == (admin, one.get_absolute_url())
        assert client_for(agent).post(at("conversation_assign", one), {"to": "", "team": ""}).status_code == 302
        one.refresh_from_db()
        assert one.assignee is None

    def test_only_to_who_works_here_and_sees_the_customer(self, oa, agent, marketer, sales, client_for):
        one, client = talk(oa), client_for(agent)
        assert client.post(at("conversation_assign", one), {"to": marketer.pk}).status_code == 422
        sales.role.permissions.append("service.work")
        sales.role.save()
        answer = client.post(at("conversation_assign", one), {"to": sales.pk})
        assert answer.status_code == 422
        assert "sees only their own customers" in answer.content.decode()
        Contact.objects.update(owner=sales)
        assert client.post(at("conversation_assign", one), {"to": sales.pk}).status_code == 302

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ({}, "Choose a time"),
            ({"at": "2025-11-01T10:00"}, "over already"),
            ({"at": "soon"}, "a day and a time"),
            ({"at": "2028-01-01T10:00"}, "a year ahead"),
        ],
    )
    def test_bad_times(self, oa, agent, client_for, data, words):
        answer = client_for(agent).post(at("conversation_snooze", talk(oa)), data)
        assert answer.status_code == 422
        assert words in answer.content.decode()

    def test_snooze_by_the_companys_clock(self, oa, agent, client_for):
        one = talk(oa)
        assert client_for(agent).post(at("conversation_snooze", one), {"usual": "tomorrow"}).status_code == 302
        one.refresh_from_db()
        assert one.snoozed_until.isoformat() == "2025-11-21T01:00:00+00:00"
        assert client_for(agent).post(at("conversation_snooze", one), {"at": "2025-11-22T18:30"}).status_code == 302
        one.refresh_from_db()
        assert one.snoozed_until.isoformat() == "2025-11-22T10:30:00+00:00"

    def test_reopening_beside_a_newer_one_leads_there(self, oa, agent, client_for):
        one = talk(oa)
        actions.close_conversation(conversation=one, by=agent)
        two = talk(oa, "又来了", at=later(minutes=5))
        answer = client_for(agent).post(at("conversation_reopen", one), follow=True)
        assert f"#{two.pk}. It goes on there" in answer.content.decode()
        one.refresh_from_db()
        assert one.state == ConversationState.CLOSED

    def test_presence(self, company, agent, client_for):
        client = client_for(agent)
        inbox(client)
        assert AgentPresence.objects.get(user=agent).state == Presence.ONLINE
        client.post(reverse("service_desk:presence"), {"state": "away"})
        assert AgentPresence.objects.get(user=agent).state == Presence.AWAY
        inbox(client)
        assert AgentPresence.objects.get(user=agent).state == Presence.AWAY
        AgentPresence.objects.update(away=False, seen_at=clock.real_now() - timedelta(minutes=6))
        assert AgentPresence.objects.get(user=agent).state == Presence.OFFLINE


class TestCanned:
    BODY = "{{ contact.name | default: '您好' }}，订单 {{ order.number }} 今天发出。{{ agent.name }}"

    def data(self, **changes):
        return {"title": "发货", "shortcut": "/发货", "category": "物流", "body": self.BODY, **changes}

    def test_who_may_keep_them(self, cast, client_for):
        canned = CannedReply.objects.create(title="a", shortcut="a", body="x")
        pages = [reverse("service_desk:canned_list"), reverse("service_desk:canned_new"), at("canned_edit", canned)]
        for name, status in {"admin": 200, "manager": 200, "agent": 403, "marketer": 403, "outsider": 403}.items():
            for page in pages:
                assert client_for(cast[name]).get(page).status_code == status, (name, page)
        for page in (*pages[1:], at("canned_delete", canned)):
            assert client_for(cast["agent"]).post(page, self.data()).status_code == 403
        gone = reverse("service_desk:canned_edit", args=[canned.pk + 99])
        assert client_for(cast["admin"]).get(gone).status_code == 404
        assert CannedReply.objects.count() == 1

    def test_make_change_delete(self, admin, client_for):
        client = client_for(admin)
        assert client.post(reverse("service_desk:canned_new"), self.data(channels=["oa"])).status_code == 302
        canned = CannedReply.objects.get()
        assert (canned.shortcut, canned.channels, canned.created_by) == ("发货", ["oa"], admin)
        assert client.post(at("canned_edit", canned), self.data(title="发货时间")).status_code == 302
        assert "发货时间" in client.get(reverse("service_desk:canned_list"), {"category": "物流"}).content.decode()
        assert client.post(at("canned_delete", canned)).status_code == 302
        assert not CannedReply.objects.exists()
        verbs = set(AuditEntry.objects.values_list("verb", flat=True))
        assert verbs == {"canned_reply.saved", "canned_reply.deleted"}

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"shortcut": "two words"}, "without blanks"),
            ({"shortcut": "FH"}, "is taken"),
            ({"body": "{{ contact.phone }}"}, "There is no field"),
            ({"body": "{{ coupon.code }}"}, "There is no field"),
            ({"body": "{% if %}"}, "Syntax"),
            ({"title": ""}, "required"),
            ({"channels": ["smoke"]}, "valid choice"),
        ],
    )
    def test_bad_input_is_told_beside_the_field(self, admin, client_for, changes, words):
        CannedReply.objects.create(title="a", shortcut="fh", body="x")
        answer = client_for(admin).post(reverse("service_desk:canned_new"), self.data(**changes))
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert CannedReply.objects.count() == 1

    def test_they_read_as_for_this_customer(self, oa, agent, client_for):
        one = talk(oa, name="林晓雯")
        CannedReply.objects.create(title="发货", shortcut="fh", body=self.BODY)
        CannedReply.objects.create(title="微博", shortcut="wb", body="x", channels=["weibo"])
        page = client_for(agent).get(at("conversation_canned", one)).content.decode()
        assert "林晓雯，订单  今天发出。agent" in page
        assert "No value for order.number" in page
        assert "微博" not in page
        Order.objects.create(contact=one.contact, external_id="SO123", placed_at=NOON, terms_at=NOON, total=268)
        page = client_for(agent).get(at("conversation_canned", one), {"q": "发"}).content.decode()
        assert "林晓雯，订单 SO123 今天发出。agent" in page
        assert "No value" not in page
        assert "SO123" not in client_for(agent).get(at("conversation_canned", one), {"q": "没有"}).content.decode()

    def test_orders_stay_hidden_from_who_may_not_see_them(self, oa, agent, client_for):
        agent.role.permissions.remove("orders.view")
        agent.role.save()
        one = talk(oa)
        Order.objects.create(contact=one.contact, external_id="SO123", placed_at=NOON, terms_at=NOON, total=268)
        CannedReply.objects.create(title="发货", shortcut="fh", body=self.BODY)
        for view in ("conversation_canned", "conversation"):
            assert "SO123" not in client_for(agent).get(at(view, one)).content.decode()

    def test_a_reply_counts_the_use(self, oa, agent, client_for):
        one = talk(oa)
        canned = CannedReply.objects.create(title="发货", shortcut="fh", body="x")
        data = {"text": "今天发", "way": "oa", "version": one.version, "canned": canned.pk}
        assert client_for(agent).post(at("conversation_reply", one), data).status_code == 302
        canned.refresh_from_db()
        assert canned.used == 1


def test_the_profile_shows_the_last_conversations(oa, agent, marketer, client_for):
    one = talk(oa, "烘豆机还有现货吗")
    profile = reverse("contacts:contact", args=[one.contact_id])
    assert one.get_absolute_url() in client_for(agent).get(profile).content.decode()
    page = client_for(marketer).get(profile).content.decode()
    assert one.get_absolute_url() not in page
    assert "烘豆机还有现货吗" in page
