"""Nothing that was acknowledged is lost, nothing is there twice."""

import json
from collections import Counter, defaultdict

from tests.chaos.checks import Check, Verdict
from tests.chaos.record import Database, Record

_KINDS = {
    "subscribe": "followed",
    "unsubscribe": "unfollowed",
    "SCAN": "scanned",
    "CLICK": "menu_clicked",
    "VIEW": "menu_clicked",
    **dict.fromkeys(["text", "image", "voice", "link", "location"], "message_in"),
}


class OfficialAccount(Check):
    name = "Official Account: every acknowledged callback is one event"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        told: Counter = Counter()
        acked: Counter = Counter()
        for row in record.callbacks("oa"):
            if kind := _KINDS.get(row["label"]):
                told[row["openid"], kind] += 1
                acked[row["openid"], kind] += row["state"] == "done"
        owners = base.owners("openid", record.people)
        stored = events_by_identity(base, "openid", record.people, set(_KINDS.values()), "oa")
        lost = twice = 0
        for key, most in told.items():
            found = stored[key]
            lost += max(acked[key] - found, 0)
            twice += max(found - most, 0)
            verdict.expect(found >= acked[key], f"lost: {key}: {acked[key]} acknowledged, {found} events")
            verdict.expect(found <= most, f"twice: {key}: {most} told, {found} events")
        for openid in {key[0] for key, count in acked.items() if count}:
            verdict.expect(len(set(owners.get(openid, []))) == 1, f"{openid} is {len(owners.get(openid, []))} people")
        gave_up = sum(told.values()) - sum(acked.values())
        verdict.facts.append(
            f"{sum(told.values())} told, {sum(acked.values())} acknowledged, {gave_up} given up by the platform, lost {lost}, twice {twice}"
        )


class Sentences(Check):
    name = "every sentence is there once, word for word"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        said: dict[str, bool] = {}
        for row in record.callbacks("oa") + record.callbacks("weibo"):
            if row["label"] in {"text", "weibo text"}:
                said[_text(row)] = row["state"] == "done"
        said.pop("TD", None)
        stored = Counter(
            text for (text,) in base.rows(
                "select properties->>'text' from contacts_event where kind = 'message_in' and id > %s", base.floor
            )
        )  # fmt: skip
        for text, acked in said.items():
            verdict.expect(stored[text] <= 1, f"twice: {text}")
            verdict.expect(stored[text] >= acked, f"lost: {text}")
        verdict.facts.append(f"{len(said)} sentences, {sum(said.values())} acknowledged")


def _text(row: dict) -> str:
    if row["door"] == "weibo":
        return json.loads(row["xml"])["text"]
    return row["xml"].partition("<Content><![CDATA[")[2].partition("]]>")[0]


class WeiboComments(Check):
    name = "Weibo: every comment under our posts is one event"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        company = {
            uid for (uid,) in base.rows("select settings->>'uid' from channels_ingest_channel where kind = 'weibo'")
        }
        told = {str(row["id"]) for row in record.tables["weibo_comments"] if row["uid"] not in company}
        stored = Counter(
            number for (number,) in base.rows("select properties->>'comment_id' from contacts_event where kind = 'commented' and id > %s", base.floor)
        )  # fmt: skip
        for number in told:
            verdict.expect(stored[number] == 1, f"comment {number}: {stored[number]} events")
        verdict.expect(not set(stored) - told, f"unheard of: {list(set(stored) - told)[:5]}")
        verdict.facts.append(f"{len(told)} comments")


class Tracking(Check):
    name = "Tracking API: every call answered 200 is one event"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        calls = record.journal.calls
        stored: Counter = Counter()
        statement = """
            select coalesce(properties->>'word', properties->'answers'->>'word') from contacts_event
             where id > %s and kind in ('product_viewed', 'form_submitted')"""
        for (word,) in base.rows(statement, base.floor):
            stored[word] += 1
        counted = {word: entry for word, entry in calls.items() if not word.startswith("id-")}
        for word, entry in counted.items():
            verdict.expect(stored[word] <= 1, f"twice: {word}")
            verdict.expect(stored[word] == 1 or not entry.acked, f"lost: {word}")
        acked = sum(bool(entry.acked) for entry in calls.values())
        verdict.facts.append(
            f"{len(calls)} calls in {sum(e.tries for e in calls.values())} tries, {acked} acknowledged"
        )
        owners = base.owners("email", set(record.journal.identified))
        for address in record.journal.identified:
            verdict.expect(
                len(set(owners.get(address, []))) == 1, f"{address} is {len(owners.get(address, []))} people"
            )


class Clicks(Check):
    name = "every answered click is one event"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        stored = base.value(
            "select count(*) from contacts_event where kind = 'message_clicked' and id > %s", base.floor
        )
        acked = sum(entry.acked for entry in record.journal.clicks.values())
        tries = sum(entry.tries for entry in record.journal.clicks.values())
        verdict.expect(acked <= stored <= tries, f"{acked} answered, {tries} tried, {stored} events")
        marked = base.value(
            "select count(*) from campaigns_message where clicked_at is not null and planned_at >= %s", record.began
        )
        people = sum(bool(entry.acked) for entry in record.journal.clicks.values())
        most = len(record.journal.clicks)
        verdict.expect(people <= marked <= most, f"{people} messages clicked, {marked} say so")
        verdict.facts.append(f"{tries} clicks, {acked} answered")


class Consents(Check):
    name = "who wrote TD, or confirmed an address, is believed"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        left = {
            row["openid"]
            for row in record.callbacks("oa")
            if row["label"] == "text" and row["state"] == "done" and _text(row) == "TD"
        }
        agreed = {address for address, entry in record.journal.confirmed.items() if entry.acked}
        self._compare(base, verdict, base.owners("openid", left), left, "oa", "withdrawn")
        self._compare(base, verdict, base.owners("email", agreed), agreed, "email", "granted")
        verdict.facts.append(f"{len(left)} left, {len(agreed)} confirmed")

    def _compare(
        self, base: Database, verdict: Verdict, owners: dict, handles: set[str], channel: str, state: str
    ) -> None:
        statement = (
            "select contact_id from contacts_consent where channel = %s and purpose = 'marketing' and state = %s"
        )
        there = {contact for (contact,) in base.rows(statement, channel, state)}
        for handle in handles:
            verdict.expect(bool(owners.get(handle)) and set(owners[handle]) <= there, f"{handle} is not {state}")


class SetAside(Check):
    name = "nothing is set aside: no dead deliveries, no poison events, consumers at the end of the log"

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        states = dict(base.rows("select state, count(*) from channels_ingest_delivery group by 1"))
        for row in base.rows("select id, error from channels_ingest_delivery where state = 'dead' limit 5"):
            verdict.problems.append(f"dead delivery {row}")
        for row in base.rows(
            "select consumer, event_id, left(error, 300) from contacts_poisonevent where replayed_at is null limit 5"
        ):
            verdict.problems.append(f"poison {row}")
        last = base.value("select coalesce(max(id), 0) from contacts_event")
        for name, position in base.rows("select name, position from contacts_consumercursor"):
            verdict.expect(position >= last, f"{name} is {last - position} events behind")
        verdict.facts.append(f"deliveries {states}, last event {last}")


def events_by_identity(base: Database, kind: str, handles: set[str], kinds: set[str], channel: str) -> Counter:
    """(handle, event kind) -> events that came by this handle."""
    of = {base.index(kind, handle): handle for handle in handles}
    statement = """
        select i.index::text, e.kind, count(*) from contacts_event e join contacts_identity i on i.id = e.identity_id
         where e.id > %s and e.kind = any(%s) and e.channel = %s and i.kind = %s group by 1, 2"""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for index, event, count in base.rows(statement, base.floor, list(kinds), channel, kind):
        if index in of:
            found[of[index], event] += count
    return Counter(found)


CHECKS: list[Check] = [OfficialAccount(), Sentences(), WeiboComments(), Tracking(), Clicks(), Consents(), SetAside()]
