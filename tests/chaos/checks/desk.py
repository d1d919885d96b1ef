"""The service desk: conversations, tickets, agents."""

from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record

ACTIVE = "('open', 'pending')"
DEFAULT_CAPACITY = 8


class Conversations(Check):
    name = "every word of a customer is one entry; one open conversation per person and account"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        statement = """
            select e.id, count(n.id) from contacts_event e left join service_desk_entry n on n.event_id = e.id
             where e.id > %s and e.kind in ('message_in', 'commented', 'mentioned') group by 1 having count(n.id) <> 1 limit 10"""
        for event, count in base.rows(statement, base.floor):
            verdict.problems.append(f"event {event} has {count} entries")
        statement = """
            select contact_id, account_id, count(*) from service_desk_conversation where state <> 'closed' group by 1, 2 having count(*) > 1"""
        for row in base.rows(statement):
            verdict.problems.append(f"more than one open: {row}")
        families = base.family()
        for (contact,) in base.rows(
            "select distinct contact_id from service_desk_conversation where state <> 'closed'"
        ):
            verdict.expect(families.get(contact) == contact, f"a conversation hangs on the merged contact {contact}")
        verdict.facts.append(f"{base.value('select count(*) from service_desk_conversation')} conversations")
        verdict.facts.append(f"{base.value('select count(*) from service_desk_entry')} entries")


class Tickets(Check):
    name = "one ticket that is not solved per conversation; its clock runs without gaps"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        statement = f"select conversation_id, count(*) from service_desk_ticket where state in {ACTIVE} group by 1 having count(*) > 1"
        for row in base.rows(statement):
            verdict.problems.append(f"more than one active: {row}")
        gaps = """
            select ticket_id, since, before from (
                select ticket_id, since, lag(until) over w as before, row_number() over w as place
                  from service_desk_ticketspan window w as (partition by ticket_id order by since, id)) s
             where place > 1 and before is distinct from since limit 5"""
        for row in base.rows(gaps):
            verdict.problems.append(f"gap in the life of a ticket: {row}")
        statement = """
            select t.id, t.state, (select count(*) from service_desk_ticketspan s where s.ticket_id = t.id and s.until is null),
                   (select min(s.state) from service_desk_ticketspan s where s.ticket_id = t.id and s.until is null)
              from service_desk_ticket t where opened_at >= %s"""
        for number, state, open_spans, last in base.rows(statement, record.began):
            verdict.expect(
                open_spans == 1 and last == state,
                f"ticket {number} is {state}, its last span {last} ({open_spans} open)",
            )
        statement = """
            select t.id, count(e.id) from service_desk_ticket t left join contacts_event e
                on e.kind = 'ticket_opened' and (e.properties->>'ticket')::bigint = t.id where t.opened_at >= %s group by 1 having count(e.id) <> 1"""
        for row in base.rows(statement, record.began):
            verdict.problems.append(f"ticket {row[0]} was opened {row[1]} times in the log")
        verdict.facts.append(f"{dict(base.rows('select state, count(*) from service_desk_ticket group by 1'))}")


class Complaints(Check):
    name = "every complaint has a ticket"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        statement = """
            select e.id, e.properties->>'text' from contacts_event e join service_desk_entry n on n.event_id = e.id
             where e.kind = 'commented' and e.id > %s and e.properties->>'text' ~ '脱胶|投诉|开胶'
               and not exists (select from service_desk_ticket t where t.conversation_id = n.conversation_id) limit 10"""
        for row in base.rows(statement, base.floor):
            verdict.problems.append(f"no ticket: {row}")


class Replies(Check):
    name = "every reply of an agent that was taken is one entry and one message"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        entries = dict(base.rows("select body, count(*) from service_desk_entry where kind = 'reply' group by 1"))
        messages = dict(
            base.rows("select body->>'text', count(*) from campaigns_message where origin = 'agent' group by 1")
        )
        for text, entry in record.journal.replies.items():
            for what, stored in (("entries", entries), ("messages", messages)):
                count = stored.get(text, 0)
                verdict.expect(
                    bool(entry.acked) <= count <= entry.tries, f"{text}: {entry.acked} taken, {count} {what}"
                )
        acked = sum(bool(entry.acked) for entry in record.journal.replies.values())
        verdict.facts.append(f"{len(record.journal.replies)} written, {acked} taken")


class Capacity(Check):
    name = "no agent was given more open tickets than the limit"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        """Without tickets that were reopened: those come back to who had them, whatever the limit."""
        most = base.rows("select capacity from service_desk_desksettings")
        limit = most[0][0] if most else DEFAULT_CAPACITY
        statement = """
            select t.assignee_id, count(*), max(p.capacity) from service_desk_ticket t
              left join service_desk_agentprofile p on p.user_id = t.assignee_id
             where t.state = 'open' and t.assignee_id is not null
               and (select count(*) from service_desk_ticketspan s where s.ticket_id = t.id and s.state = 'open') = 1 group by 1"""
        for agent, load, own in base.rows(statement):
            allowed = own if own is not None else limit
            verdict.expect(load <= allowed, f"agent {agent}: {load} open, at most {allowed}")
            verdict.facts.append(f"agent {agent}: {load} of {allowed}")


CHECKS: list[Check] = [Conversations(), Tickets(), Complaints(), Replies(), Capacity()]
