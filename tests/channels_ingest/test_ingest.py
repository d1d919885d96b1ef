"""The inbox: batches, poison, fences, replay, expiry, and a worker that is killed in the middle."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as conf
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_ingest import actions, edge, ingest
from channels_ingest.enums import BadReason, DeliveryState, Trustee
from channels_ingest.models import BadInput, Channel, Delivery
from contacts.models import Contact, Event


def _deliver(channel, fixture_xml, count, name="text"):
    from channels_ingest.connectors import xml
    from channels_ingest.connectors.wechat_oa.edge import dedupe_key

    for number in range(count):
        text = fixture_xml(name, openid=f"oZkDemo_{number:020}", msg_id=str(10_000 + number)).encode()
        edge.accept(channel, text, trustee=Trustee.PLATFORM, key=dedupe_key(xml.parse(text), text))


def test_a_batch_costs_a_constant_number_of_statements(oa, fixture_xml):
    _deliver(oa, fixture_xml, 1)
    with CaptureQueriesContext(
        connection,
    ) as one:
        assert ingest.run_once()
    _deliver(oa, fixture_xml, 1001)  # the first is the one above again, dropped at the door
    assert Delivery.objects.waiting().count() == 1000
    with CaptureQueriesContext(connection) as thousand:
        assert ingest.run_once()
    assert len(thousand) <= len(one) + 4
    assert Event.objects.count() == 1001 and Contact.objects.count() == 1001
    assert not Delivery.objects.exclude(state=DeliveryState.DONE).exists()
    assert Channel.objects.get(pk=oa.pk).last_callback_at is not None


def test_a_batch_is_bounded_by_bytes(oa, fixture_xml, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_BYTES", 700)
    _deliver(oa, fixture_xml, 5)
    sizes = []
    while (before := Delivery.objects.waiting().count()) and ingest.run_once():
        sizes.append(before - Delivery.objects.waiting().count())
    assert sum(sizes) == 5 and max(sizes) < 5 and min(sizes) >= 1


def test_what_cannot_be_read_is_set_aside_and_the_rest_goes_on(oa, fixture_xml):
    _deliver(oa, fixture_xml, 3)
    edge.accept(oa, b"<not xml", trustee=Trustee.PLATFORM)
    ingest.run_once()
    dead = Delivery.objects.dead().get()
    assert dead.error and Event.objects.count() == 3


def test_poison_is_found_by_halves(oa, fixture_xml, monkeypatch):
    _deliver(oa, fixture_xml, 16)
    poison = f"oZkDemo_{11:020}"
    real, calls = ingest.append, []

    def picky(events):
        calls.append(len(events))
        if any(handle.value == poison for event in events for handle in event.handles):
            raise ValueError("cannot digest this one")
        return real(events)

    monkeypatch.setattr(ingest, "append", picky)
    ingest.run_once()
    dead = Delivery.objects.dead().get()
    assert "cannot digest" in dead.error and poison in dead.body.decode()
    assert Event.objects.count() == 15 and len(calls) <= 2 * 5  # 2 log2(16) + 1, not 16


def test_replay_takes_effect_once(oa, fixture_xml, monkeypatch, admin):
    _deliver(oa, fixture_xml, 2)
    monkeypatch.setattr(ingest, "append", lambda events: (_ for _ in ()).throw(ValueError("not today")))
    ingest.run_once()
    monkeypatch.undo()
    assert Delivery.objects.dead().count() == 2 and not Event.objects.exists()
    assert actions.replay_deliveries(None, by=admin) == 2
    ingest.run_once()
    assert Event.objects.count() == 2
    Delivery.objects.update(state=DeliveryState.PENDING, attempts=0)
    ingest.run_once()
    assert Event.objects.count() == 2


def test_a_database_that_is_away_is_not_poison(oa, fixture_xml, monkeypatch):
    _deliver(oa, fixture_xml, 2)

    def away(events):
        raise OperationalError("gone")

    monkeypatch.setattr(ingest, "append", away)
    with pytest.raises(OperationalError):
        ingest.run_once()
    assert Delivery.objects.waiting().count() == 2
    monkeypatch.undo()
    assert not ingest.run_once()  # still leased
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert ingest.run_once() and Event.objects.count() == 2


def test_a_late_worker_changes_nothing(oa, fixture_xml):
    _deliver(oa, fixture_xml, 1)
    rows = ingest._claim(7, alone=False)
    Delivery.objects.update(fence=8, leased_until=None)
    ingest._digest(rows, 7)
    assert Delivery.objects.get().state == DeliveryState.PENDING
    ingest.run_once()
    assert Delivery.objects.get().state == DeliveryState.DONE and Event.objects.count() == 1


def test_a_delivery_that_kills_workers_ends_alone_and_then_dead(oa, fixture_xml):
    _deliver(oa, fixture_xml, 3)
    Delivery.objects.filter(pk=Delivery.objects.first().pk).update(attempts=ingest.ALONE_AFTER)
    assert len(ingest._claim(1, alone=True)) == 1
    Delivery.objects.update(leased_until=None)
    Delivery.objects.filter(attempts__gt=1).update(attempts=ingest.DEAD_AFTER)
    ingest.run_once()
    assert "the worker died 5 times" in Delivery.objects.dead().get().error


def test_two_workers_never_hold_the_same_row(oa, fixture_xml):
    _deliver(oa, fixture_xml, 4)
    first, second = ingest._claim(1, alone=False), ingest._claim(2, alone=False)
    assert len(first) == 4 and not second


def test_expiry_removes_what_is_settled_and_old(oa, fixture_xml):
    _deliver(oa, fixture_xml, 4)
    old = timezone.now() - timedelta(days=31)
    ids = list(Delivery.objects.order_by("id").values_list("id", flat=True))
    Delivery.objects.filter(pk__in=ids[:3]).update(received_at=old)
    Delivery.objects.filter(pk=ids[0]).update(state=DeliveryState.DONE)
    Delivery.objects.filter(pk=ids[1]).update(state=DeliveryState.DEAD)
    edge.count(oa, BadReason.MALFORMED, sample=b"x", at=old)
    edge.count(oa, BadReason.MALFORMED, sample=b"x")
    assert not ingest.expire()
    assert list(Delivery.objects.order_by("id").values_list("id", flat=True)) == ids[2:]
    assert BadInput.objects.count() == 1


_KILLED = """
import os, django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DB"]
from django.db import connections
connections["default"].settings_dict["NAME"] = os.environ["TEST_DB"]
from channels_ingest import ingest
real = ingest._finish
def stop(rows, fence):
    print("appended", flush=True)
    import time
    time.sleep(60)
ingest._finish = stop
ingest.run_once()
"""


@pytest.mark.django_db(transaction=True)
def test_kill_9_between_the_events_and_the_mark(fixture_xml):
    oa = actions.create_channel(kind="wechat_oa", name="killed", settings={"app_id": "wx1"}, credentials={}, by=None)
    _deliver(oa, fixture_xml, 50, name="subscribe")
    env = {
        **os.environ,
        "TEST_DB": connection.settings_dict["NAME"],
        "HINTS": "0",
    }
    root = Path(conf.BASE_DIR)
    worker = subprocess.Popen([sys.executable, "-c", _KILLED], env=env, cwd=root, stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout.readline().strip() == "appended"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        worker.stdout.close()
    assert Event.objects.count() == 50 and Delivery.objects.waiting().count() == 50
    Delivery.objects.update(leased_until=timezone.now() - timedelta(seconds=1))  # the lease runs out
    while ingest.run_once():
        pass
    assert Event.objects.count() == 50 and Contact.objects.count() == 50
    assert Delivery.objects.filter(state=DeliveryState.DONE).count() == 50
