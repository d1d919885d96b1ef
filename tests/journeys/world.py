"""Journeys, people and the passing of time for tests of the engine."""

import itertools
from contextlib import contextmanager
from datetime import datetime, timedelta

from campaigns import pumps as sending_pumps
from contacts import consumers, intake
from contacts.enums import ChannelKind
from contacts.models import Contact
from journeys import actions, engine, subscriptions
from journeys.models import Enrolment, Journey
from journeys.tallies import ENROLMENTS
from journeys.tree import blank
from scrm.core import tallies
from scrm.lib import clock
from tests.campaigns.world import NOON, account, person, written

__all__ = ["NOON", "account", "person", "written"]
CONSUMER = "journeys.consumers.triggers.consume"
_numbers = itertools.count(1)


def step(key: str, kind: str, branches: list | None = None, **config) -> dict:
    return {"key": key, "kind": kind, "name": "", "config": config, "branches": branches or []}


def branch(key: str, *steps: dict, **more) -> dict:
    return {"key": key, "name": "", "steps": list(steps), **more}


def wait(key: str = "w", amount: int = 30, unit: str = "minutes") -> dict:
    return step(key, "wait", mode="for", amount=amount, unit=unit)


def leave(key: str = "x") -> dict:
    return step(key, "exit")


def design(*steps: dict, event: str = "followed", policy: str = "never", gap: int = 0, **settings) -> dict:
    definition = blank()
    definition["trigger"] |= {"event": event, **settings.pop("trigger", {})}
    definition["reentry"] = {"policy": policy, "gap_days": gap}
    return {**definition, "steps": list(steps), **settings}


def live(*steps: dict, by=None, **settings) -> Journey:
    """A published journey."""
    journey = actions.create_journey(name=f"旅程 {next(_numbers)}", by=by, definition=design(*steps, **settings))
    actions.publish_draft(journey=journey, by=by)
    journey.refresh_from_db()
    return journey


def republish(journey: Journey, *steps: dict, **settings):
    actions.edit_draft(journey=journey, revision=None, edit=lambda _d: design(*steps, **settings), by=None)
    return actions.publish_draft(journey=journey, by=None)


def happens(contact: Contact, kind: str = "followed", at: datetime | None = None, **properties) -> None:
    intake.append([
        intake.Incoming(
            kind=kind, channel=ChannelKind.WEB, occurred_at=at or clock.now(), contact_id=contact.pk, properties=properties
        )
    ])  # fmt: skip


def turn() -> bool:
    """One round of everything that moves people."""
    read = consumers.last_id()
    more = consumers.run(CONSUMER)
    moved = engine.advance() + subscriptions.check() + engine.close_ended()
    return bool(more or moved or consumers.last_id() != read)


def settle(*, send: bool = False) -> None:
    """Until nothing moves at this moment; ``send`` lets the dispatcher work too (needs the platform double)."""
    for _round in range(200):
        moved = turn()
        if send:
            moved = sending_pumps.DISPATCH.run() or moved
        if not moved:
            assert tallies.drift(ENROLMENTS) == []
            return
    raise AssertionError("people never come to rest")


@contextmanager
def later(**delta):
    """Business time moves on from where it stands."""
    with clock.frozen(clock.now() + timedelta(**delta)):
        yield clock.now()


def run_of(contact: Contact, journey: Journey | None = None) -> Enrolment:
    rows = Enrolment.objects.filter(contact=contact)
    return (rows.filter(journey=journey) if journey else rows).latest("id")


def way(run: Enrolment) -> list[str]:
    """The stretches walked so far, without their times."""
    run.refresh_from_db()
    return [line.partition(" ")[2] for line in run.trail.splitlines()]
