"""The sending ledger beside the phones, the mailboxes and Weibo: nobody gets a message twice, and what we call sent is there."""

from collections import Counter
from typing import Any

from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record

WENT = {"sent", "delivered", "bounced"}


def by_handle(base: Database, record: Record, channel: str, kind: str, handles: set[str]) -> dict[str, Counter]:
    """Handle -> how many rows of the ledger are in which state."""
    of = {base.index(kind, handle): handle for handle in handles}
    found: dict[str, Counter] = {handle: Counter() for handle in handles}
    statement = """
        select i.index::text, m.state, count(*) from campaigns_message m join contacts_identity i on i.id = m.identity_id
         where m.channel = %s and i.kind = %s and m.planned_at >= %s group by 1, 2"""
    for index, state, count in base.rows(statement, channel, kind, record.began):
        if index in of:
            found[of[index]][state] += count
    return found


def lay_beside(verdict: Verdict, ledger: dict[str, Counter], arrived: Counter) -> None:
    """Every address: what arrived is at least what is called sent, at most that and the unknown ones."""
    sent = unknown = twice = 0
    for handle, states in ledger.items():
        went, maybe = sum(states[state] for state in WENT), states["unknown"]
        sent, unknown = sent + went, unknown + maybe
        twice += max(arrived[handle] - went - maybe, 0)
        verdict.expect(arrived[handle] >= went, f"{handle}: {went} called sent, {arrived[handle]} arrived")
        verdict.expect(
            arrived[handle] <= went + maybe, f"{handle}: {arrived[handle]} arrived, ledger says {dict(states)}"
        )
    verdict.facts.append(f"{sum(arrived.values())} arrived, {sent} sent, {unknown} unknown, {twice} too many")


class Phones(Check):
    name = "Official Account: what phones got is what the ledger sent; nothing twice"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        ledger = by_handle(base, record, "oa", "openid", record.people)
        lay_beside(
            verdict, ledger, Counter({one: len(rows) for one, rows in record.phones.items() if one in record.people})
        )
        for openid, rows in record.phones.items():
            bodies = Counter(
                str(row["body"]) for row in rows if "/l/" in str(row["body"])
            )  # links are each message's own
            for body, count in bodies.items():
                verdict.expect(count == 1, f"{openid} got the same message {count} times: {body[:60]}")


class Mailboxes(Check):
    name = "mail: what mailboxes got is what the ledger sent; nothing twice"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        arrived = Counter(row["recipient"] for row in record.tables["mails"])
        lay_beside(
            verdict, by_handle(base, record, "email", "email", set(arrived) | set(record.journal.identified)), arrived
        )


class OnWeibo(Check):
    name = "Weibo: our replies and messages there are what the ledger sent"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        company = {
            uid for (uid,) in base.rows("select settings->>'uid' from channels_ingest_channel where kind = 'weibo'")
        }
        author = {row["id"]: row["uid"] for row in record.tables["weibo_comments"]}
        arrived = Counter(row["uid"] for row in record.tables["weibo_messages"] if row["outbound"])
        arrived += Counter(
            author.get(row["reply_to"], "") for row in record.tables["weibo_comments"] if row["uid"] in company
        )
        everybody = {
            row["uid"] for name in ("weibo_comments", "weibo_messages") for row in record.tables[name]
        } - company
        lay_beside(verdict, by_handle(base, record, "weibo", "weibo_uid", everybody), arrived)


class SentOnce(Check):
    name = "every message has its outcome in the log exactly once"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        statement = """
            select m.id, m.state, count(e.id) from campaigns_message m
              left join contacts_event e on e.kind = 'message_sent' and (e.properties->>'message')::bigint = m.id and e.id > %s
             where m.planned_at >= %s group by 1, 2 having count(e.id) <> (m.state = any(%s))::int limit 20"""
        for number, state, count in base.rows(statement, base.floor, record.began, ["sent", "delivered"]):
            allowed = state == "bounced" and count <= 1
            verdict.expect(allowed, f"message {number} is {state}, {count} times sent in the log")
        states = dict(
            base.rows("select state, count(*) from campaigns_message where planned_at >= %s group by 1", record.began)
        )
        verdict.facts.append(f"{states}")
        for row in base.rows(
            "select id, channel, error from campaigns_message where state = 'unknown' and planned_at >= %s order by id limit 40",
            record.began,
        ):
            verdict.facts.append("unknown: " + " ".join(str(part) for part in row)[:100])


class Welcome(Check):
    name = "one follower, one run of the welcome journey, one outcome"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        journey = base.value("select id from journeys_journey where name = '欢迎新关注'")
        owners = base.owners("openid", record.people)
        followed = {
            row["openid"] for row in record.callbacks("oa") if row["label"] == "subscribe" and row["state"] == "done"
        }
        families = base.family()
        runs: dict[int, list[Any]] = {}
        for contact, *run in base.rows(
            "select contact_id, id, state, reason from journeys_enrolment where journey_id = %s", journey
        ):
            runs.setdefault(families.get(contact, contact), []).append(run)
        keys = Counter(
            int(key.split(":")[1])
            for (key,) in base.rows("select key from campaigns_message where key ~ '^j:[0-9]+:s2:'")
        )
        outcomes: Counter = Counter()
        for openid in followed:
            mine = runs.get(next(iter(owners.get(openid, [])), 0), [])
            verdict.expect(len(mine) == 1, f"{openid} has {len(mine)} runs")
            for number, state, reason in mine:
                outcomes[f"{state} {reason}".strip()] += 1
                if (state, reason) == ("done", "completed"):
                    verdict.expect(keys[number] == 1, f"run {number} is complete with {keys[number]} messages")
        verdict.facts.append(f"{len(followed)} followed, runs {dict(outcomes)}")


CHECKS: list[Check] = [Phones(), Mailboxes(), OnWeibo(), SentOnce(), Welcome()]
