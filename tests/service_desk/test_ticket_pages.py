"""Pages of tickets: what agents can do there, and who may not."""

import pytest
from desk_world import COMPLAINT, MONDAY, account, event, hear, minutes, person, reply, story, talk, told
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Contact, Merge
from scrm.core.models import AuditEntry, Notification
from scrm.lib import clock
from service_desk.enums import Priority, Speech, TicketKind, TicketState
from service_desk.models import Conversation, Correction, SlaPolicy, Ticket, TicketOffer

pytestmark = pytest.mark.django_db
NOW = MONDAY + minutes(10)


@pytest.fixture(autouse=True)
def _now():
    with clock.frozen(NOW):
        yield


def complaint(name="小林", text=COMPLAINT) -> Ticket:
    who, weibo = person(name), account()
    talk(who, weibo)
    hear(event(who, weibo, text))
    return Ticket.objects.latest("pk")


@pytest.fixture
def ticket() -> Ticket:
    return complaint()


def act(client, ticket: Ticket, name: str, **data):
    data.setdefault("version", Ticket.objects.values_list("version", flat=True).get(pk=ticket.pk))
    answer = client.post(reverse(f"service_desk:ticket_{name}", args=[ticket.pk]), data)
    ticket.refresh_from_db()
    return answer


def test_the_way_of_a_ticket(ticket, agent, client_for):
    client = client_for(agent)
    assert act(client, ticket, "accept").status_code == 302
    assert (ticket.assignee, ticket.accepted_at) == (agent, NOW) and ticket.conversation.assignee == agent
    act(client, ticket, "pending")
    assert ticket.state == TicketState.PENDING
    act(client, ticket, "reopen")
    act(client, ticket, "solve")
    assert (ticket.state, ticket.solved_at) == (TicketState.SOLVED, NOW)
    assert told(ticket) == ["ticket_opened", "ticket_solved"]
    survey = ticket.surveys.get()
    assert (survey.cycle, survey.agent, survey.state) == (1, agent, "due")
    act(client, ticket, "reopen")
    act(client, ticket, "solve")
    assert list(ticket.surveys.order_by("cycle").values_list("cycle", flat=True)) == [1, 2]
    assert story(ticket) == ["open", "pending", "open", "solved", "open", "solved"]
    verbs = list(
        AuditEntry.objects.filter(target_type="service_desk.ticket").values_list("verb", flat=True).order_by("id")
    )
    assert verbs[:4] == ["ticket.accepted", "ticket.set_pending", "ticket.reopened", "ticket.solved"]


ACTS = [
    ("accept", {}),
    ("assign", {}),
    ("priority", {"priority": 4}),
    ("pending", {}),
    ("solve", {}),
    ("reopen", {}),
    ("dismiss", {}),
    ("link", {"contact": 1}),
]


@pytest.mark.parametrize("name, data", ACTS)
def test_other_roles_and_other_peoples_tickets(name, data, ticket, marketer, make_user, manager, client_for):
    before = Ticket.objects.values().get()
    assert act(client_for(marketer), ticket, name, **data).status_code == 403
    other = complaint("别人")
    Ticket.objects.filter(pk=other.pk).update(assignee=make_user("elsewhere", "agent"))
    outsider = make_user("own", "agent")
    outsider.role.scope = "own"
    outsider.role.save()
    assert act(client_for(outsider), other, name, **data).status_code == 404
    assert Ticket.objects.values().get(pk=ticket.pk) == before


def test_an_old_version_decides_nothing(ticket, agent, client_for):
    answer = act(client_for(agent), ticket, "solve", version=ticket.version - 1)
    assert answer.status_code == 302 and ticket.state == TicketState.OPEN
    page = client_for(agent).get(answer.url)
    assert page.status_code == 200
    assert act(client_for(agent), ticket, "solve", version="x").status_code == 302
    assert ticket.state == TicketState.OPEN


def test_assigning_tells_the_colleague_and_ends_the_offer(ticket, agent, make_user, client_for):
    anna = make_user("anna", "agent")
    TicketOffer.objects.create(ticket=ticket, agent=agent, at=NOW)
    act(client_for(agent), ticket, "assign", to=anna.pk)
    assert ticket.assignee == anna and ticket.accepted_at is None
    assert TicketOffer.objects.get().state == "moved"
    assert Notification.objects.filter(user=anna).count() == 1
    act(client_for(agent), ticket, "assign", to="")
    assert ticket.assignee is None


def test_nobody_without_the_right_is_given_a_ticket(ticket, agent, marketer, client_for):
    assert act(client_for(agent), ticket, "assign", to=marketer.pk).status_code == 404
    assert ticket.assignee is None


def test_the_promise_follows_the_priority(ticket, agent, client_for):
    act(client_for(agent), ticket, "priority", priority=4)
    assert ticket.priority == Priority.URGENT and ticket.policy == SlaPolicy.objects.get(priority=4)
    assert ticket.due_at == MONDAY + minutes(15)
    act(client_for(agent), ticket, "priority", priority=9)
    assert ticket.priority == Priority.URGENT


def test_not_a_complaint_is_one_click_and_is_learned_from(ticket, agent, client_for):
    act(client_for(agent), ticket, "dismiss", label=Speech.NOISE)
    assert (ticket.state, ticket.dismissed) == (TicketState.CLOSED, True)
    correction = Correction.objects.get()
    assert (correction.text, correction.label, correction.said) == (COMPLAINT, Speech.NOISE, Speech.COMPLAINT)
    assert not ticket.surveys.exists() and not Ticket.objects.counted().exists()
    act(client_for(agent), ticket, "dismiss", label=Speech.COMPLAINT)
    assert Correction.objects.count() == 1


def test_a_complaint_that_was_missed_is_opened_by_hand_and_learned(agent, client_for):
    who, weibo = person(), account()
    place = talk(who, weibo)
    place.entries.create(kind="customer", body="走两步就散架", at=MONDAY, event_id=5)
    url = f"{reverse('service_desk:ticket_new')}?conversation={place.pk}"
    client = client_for(agent)
    assert client.get(url).status_code == 200
    bad = client.post(url, {"title": "", "kind": "complaint", "priority": 3})
    assert bad.status_code == 422 and "title" in bad.context["form"].errors
    client.post(url, {"title": "鞋子散架", "kind": "complaint", "priority": 3})
    made = Ticket.objects.get()
    assert (made.conversation, made.opened_by, made.kind) == (place, agent, TicketKind.COMPLAINT)
    assert told(made) == ["ticket_opened"]
    said = set(Correction.objects.values_list("label", flat=True))
    assert said <= {Speech.COMPLAINT}
    again = client.post(url, {"title": "又一个", "kind": "task", "priority": 2})
    assert again.status_code == 422 and f"#{made.pk}" in again.content.decode()


def test_a_ticket_without_a_conversation(agent, client_for, outsider):
    who = person()
    url = f"{reverse('service_desk:ticket_new')}?contact={who.pk}"
    client_for(agent).post(url, {"title": "回电", "kind": "task", "priority": 2, "assignee": agent.pk})
    made = Ticket.objects.get()
    assert (made.contact, made.conversation, made.assignee) == (who, None, agent)
    assert client_for(agent).get(reverse("service_desk:ticket", args=[made.pk])).status_code == 200
    assert client_for(agent).get(reverse("service_desk:ticket_new")).status_code == 404
    assert client_for(outsider).get(url).status_code == 403


def test_the_unknown_complainer_is_a_customer_we_know(ticket, agent, client_for):
    known = person("林晓雯")
    url = reverse("service_desk:ticket_link", args=[ticket.pk])
    found = client_for(agent).get(url, {"q": "晓雯"})
    assert "林晓雯" in found.content.decode()
    stranger = ticket.contact_id
    client_for(agent).post(url, {"contact": known.pk})
    ticket.refresh_from_db()
    assert ticket.contact == known and ticket.conversation.contact == known
    merge = Merge.objects.get()
    assert merge.evidence["staff"] and merge.by == agent and merge.other_id == stranger
    from contacts import identity

    identity.unmerge(merge, by=agent)
    ticket.refresh_from_db()
    assert ticket.contact_id in {stranger, known.pk}
    assert Contact.objects.get(pk=stranger).merged_into is None


def test_the_page_shows_clocks_words_and_background(ticket, agent, client_for):
    hear(reply(ticket.conversation, MONDAY + minutes(5)))
    page = client_for(agent).get(reverse("service_desk:ticket", args=[ticket.pk]))
    text = page.content.decode()
    assert COMPLAINT in text and "First reply" in text and "Kept" in text and "5 min of 30 min" in text
    assert [row["tone"] for row in page.context["clocks"]] == ["ok", "info"]


@pytest.mark.parametrize("address", ["ticket_list", "desk_agents"])
def test_lists_cost_the_same_at_one_and_at_thirty(address, agent, admin, client_for, make_user):
    counts = []
    complaint()
    client = client_for(admin)
    client.get(reverse(f"service_desk:{address}"))
    for number in (0, 29):
        for n in range(number):
            complaint(f"客户 {n}")
        Ticket.objects.update(assignee=agent)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse(f"service_desk:{address}")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_facets_and_search(ticket, agent, client_for):
    other = complaint("王五", "我要退款，东西和描述完全不符")
    Ticket.objects.filter(pk=other.pk).update(assignee=agent, priority=4)
    client, url = client_for(agent), reverse("service_desk:ticket_list")

    def shown(**params):
        return [row.pk for row in client.get(url, params).context["page"].rows]

    assert set(shown()) == {ticket.pk, other.pk}
    assert shown(whose="mine") == [other.pk] and shown(whose="queue") == [ticket.pk]
    assert shown(priority=4) == [other.pk] and shown(state="solved") == []
    assert shown(q=f"#{ticket.pk}") == [ticket.pk] and shown(q="王五") == [other.pk] and shown(q="退款") == [other.pk]
    ticket.breaches.create(policy=ticket.policy, metric="first", trigger=0, level="breach", due_at=NOW, at=NOW)
    assert shown(promise="late") == [ticket.pk]
    empty = client.get(url, {"q": "nothing like it"}).content.decode()
    assert "Nothing matches" in empty


def test_the_page_costs_a_fixed_number_of_queries(ticket, agent, client_for):
    client, url = client_for(agent), reverse("service_desk:ticket", args=[ticket.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    weibo = Conversation.objects.get().account_id
    for n in range(30):
        ticket.conversation.entries.create(kind="customer", body=f"第 {n} 句", at=MONDAY, event_id=900 + n)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert weibo and len(many) == len(few)


def test_the_profile_shows_tickets(ticket, agent, client_for):
    page = client_for(agent).get(reverse("contacts:contact", args=[ticket.contact_id])).content.decode()
    assert reverse("service_desk:ticket", args=[ticket.pk]) in page
    assert f"{reverse('service_desk:ticket_new')}?contact={ticket.contact_id}" in page
