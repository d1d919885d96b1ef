"""What people do with our messages, read from the log: opens and clicks, opt-outs in chat, forms that ask for
confirmation, unfollows; and what platforms report of their delivery.

Set-based: one statement per effect and batch. Contacts are locked first, in id order; events are appended last.
"""

from collections.abc import Sequence

from django.db import connection

from campaigns import consent, optin, optout
from campaigns.sending import outcomes, reports, stop
from contacts import intake
from contacts.consumers import EventRow
from contacts.enums import EventKind, IdentityKind
from contacts.models import Identity
from scrm.core import live
from scrm.lib import clock

DELIVERY_REPORT = "delivery_report"
"""A platform's word on a message of ours: {"platform_id", "status": delivered | failed, "detail"} (connectors give it)."""
KINDS = {
    DELIVERY_REPORT,
    EventKind.MESSAGE_OPENED,
    EventKind.MESSAGE_CLICKED,
    EventKind.MESSAGE_IN,
    EventKind.FORM_SUBMITTED,
    EventKind.UNFOLLOWED,
}


def consume(events: Sequence[EventRow]) -> None:
    """Apply a batch, in the consumer's transaction. Idempotent: a rewound cursor repeats nothing that a person would notice."""
    events = [event for event in events if event.kind in KINDS]
    if not events:
        return
    outs, forms, left = _opt_outs(events), _forms(events), [e for e in events if e.kind == EventKind.UNFOLLOWED]
    people = {event.contact_id for event in (*outs, *left)} | optin.concerned(forms)
    if people:
        consent.lock_people(people)
    _roll_up(events)
    told = _reports(events)
    for channel in {event.channel for event in outs}:
        answered = [event.contact_id for event in outs if event.channel == channel]
        told += optout.rows(answered, channel, {"how": "keyword"})[0]
    for channel in {event.channel for event in left}:
        gone = stop.reconsider({event.contact_id for event in left if event.channel == channel}, channel)
        told += outcomes.events(gone, clock.now())
    if told:
        intake.append_own(told)
    if forms:
        optin.start_all(forms)


def _reports(events: Sequence[EventRow]) -> list[intake.Incoming]:
    """Delivery reports move their messages on; answers the events that tell it."""
    found = [
        reports.Report(
            event.account_id,
            str(event.properties["platform_id"]),
            event.properties.get("status") == "delivered",
            str(event.properties.get("detail") or ""),
            event.occurred_at,
        )
        for event in events
        if event.kind == DELIVERY_REPORT and event.properties.get("platform_id")
    ]
    if not found:
        return []
    reports.keep(found)
    return outcomes.events(reports.apply(), clock.now())


def _roll_up(events: Sequence[EventRow]) -> None:
    """First open by a person, first open by a machine, first click; a click is proof of an open."""
    rows: dict[int, list] = {}
    for event in events:
        message = event.properties.get("message")
        if not isinstance(message, int) or event.kind not in {EventKind.MESSAGE_OPENED, EventKind.MESSAGE_CLICKED}:
            continue
        row = rows.setdefault(message, [None, None, None])
        slot = 2 if event.kind == EventKind.MESSAGE_CLICKED else 1 if event.properties.get("machine") else 0
        row[slot] = min(row[slot] or event.occurred_at, event.occurred_at)
        if slot == 2:
            row[0] = min(row[0] or event.occurred_at, event.occurred_at)
    if not rows:
        return
    ordered = sorted(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE campaigns_message m SET opened_at = least(m.opened_at, t.opened), clicked_at = least(m.clicked_at, t.clicked),"
            " machine_opened_at = least(m.machine_opened_at, t.machine)"
            " FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[]) AS t(id, opened, machine, clicked)"
            " WHERE m.id = t.id RETURNING CASE WHEN m.origin = 'campaign' THEN m.origin_id END",
            [ordered, *([rows[pk][slot] for pk in ordered] for slot in range(3))],
        )
        campaigns = {row[0] for row in cursor.fetchall()} - {None}
    for campaign in campaigns:
        live.touch_on_commit("campaign", campaign)


def _opt_outs(events: Sequence[EventRow]) -> list[EventRow]:
    return [
        e for e in events if e.kind == EventKind.MESSAGE_IN and optout.is_opt_out(str(e.properties.get("text") or ""))
    ]


def _forms(events: Sequence[EventRow]) -> list[optin.Start]:
    """Submissions with an address, unless the form says that no mail is wanted. The address is found by the index that
    intake left."""
    submitted = [e for e in events if e.kind == EventKind.FORM_SUBMITTED and e.properties.get("email_index")]
    submitted = [e for e in submitted if e.properties.get("consent") is not False]
    if not submitted:
        return []
    wanted = {str(event.properties["email_index"]) for event in submitted}
    rows = Identity.objects.filter(kind=IdentityKind.EMAIL, index__in=wanted).values_list("index", "pk")
    found = {str(index): pk for index, pk in rows}
    return [
        optin.Start(
            contact_id=event.contact_id,
            identity_id=found[str(event.properties["email_index"])],
            submission=f"event:{event.id}",
            link=str(event.properties.get("link") or ""),
            form=str(event.properties.get("form") or ""),
        )
        for event in submitted
        if str(event.properties["email_index"]) in found
    ]
