"""Figures of the service desk, and the tickets behind every number."""

from datetime import timedelta

from django.urls import reverse

from analytics import queries, reports, service
from contacts.models import Contact
from scrm.core import formats
from scrm.lib import clock
from service_desk.models import Breach, Survey, Ticket, TicketSpan


def ticket(agent, hours_ago, reply_seconds=None, solved_seconds=None, stars=None, **fields):
    opened = clock.now() - timedelta(hours=hours_ago)
    person = Contact.objects.create(known=True, first_seen_at=opened, last_seen_at=opened, created_at=opened)
    row = Ticket.objects.create(
        contact=person,
        title="鞋底开胶",
        opened_at=opened,
        assignee=agent,
        first_reply_at=opened + timedelta(seconds=reply_seconds) if reply_seconds is not None else None,
        state="solved" if solved_seconds else "open",
        **fields,
    )
    end = opened + timedelta(seconds=solved_seconds) if solved_seconds else None
    TicketSpan.objects.create(ticket=row, state="open", since=opened, until=end)
    if end:
        TicketSpan.objects.create(ticket=row, state="solved", since=end)
    if stars is not None:
        Survey.objects.create(ticket=row, cycle=1, agent=agent, asked_at=end, stars=stars, rated_at=end, created_at=end)
    return row


def test_numbers_and_the_lists_behind_them(agent, admin, client_for, cast):
    ticket(agent, 5, reply_seconds=60, solved_seconds=3600, stars=5)
    ticket(agent, 4, reply_seconds=600, solved_seconds=7200, stars=2)
    ticket(None, 3)
    ticket(agent, 2, dismissed=True)
    url = reverse("analytics:service")
    client = client_for(admin)
    assert client.get(url).context["waiting"] and reports.run()
    page = client.get(url)
    total = page.context["total"]
    counts = {what: total[what] for what in service.WHAT}
    assert counts == {
        "all": 3,
        "replied": 2,
        "quick": counts["quick"],
        "solved": 2,
        "rated": 2,
        "good": 1,
        "breached": 0,
    }
    assert total["satisfaction"] == 0.5 and total["stars"] == 3.5
    assert [row["all"] for row in page.context["rows"]] == [2, 1]
    window = queries.period(30)
    span = {"first": window.first.isoformat(), "last": window.last.isoformat()}
    listed = reverse("analytics:service_tickets")
    for what, number in counts.items():
        assert len(client.get(listed, {**span, "what": what}).context["page"].rows) == number, what
    assert len(client.get(listed, {**span, "what": "all", "agent": 0}).context["page"].rows) == 1
    assert client.get(listed, {**span, "what": "odd"}).status_code == 404
    assert client_for(cast["sales"]).get(url).status_code == 403
    assert client_for(cast["manager"]).get(listed, {**span, "what": "all"}).status_code == 200


def test_a_broken_promise_is_counted_once_per_ticket(agent):
    row = ticket(agent, 5)
    assert not Breach.objects.filter(ticket=row).exists()
    window = queries.period(30)
    assert service.behind(window.first.isoformat(), window.last.isoformat(), "breached") == []


def test_lengths_of_time():
    told = [formats.duration(n) for n in (None, 5, 65, 3700, 90_000)]
    assert told[0] == "—" and len(set(told)) == 5
