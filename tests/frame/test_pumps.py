"""Pumps, their task, their schedule and the canary."""

import pytest
from django_celery_beat.models import PeriodicTask

from scrm.core import pumps, tasks
from scrm.core.models.runtime import Canary, PumpRun
from scrm.core.pumps import Pump
from scrm.lib import hints

pytestmark = pytest.mark.django_db


class Work:
    """A pump with so many batches left; a batch of "boom" raises."""

    def __init__(self, batches):
        self.batches = list(batches)

    def run(self) -> bool:
        if self.batches and self.batches.pop(0) == "boom":
            raise ValueError("boom")
        return bool(self.batches)


def give(monkeypatch, **works) -> dict[str, Pump]:
    found = {
        name: Pump(
            name, "events", work.run, 7, lambda work=work: {"waiting": len(work.batches), "oldest_seconds": None}
        )
        for name, work in works.items()
    }
    monkeypatch.setattr(pumps, "pumps", lambda: found)
    monkeypatch.setattr(pumps, "_noted", {})
    return found


@pytest.fixture
def poked(monkeypatch):
    poked = []
    monkeypatch.setattr(hints, "poke", poked.append)
    return poked


def test_drain_runs_all_in_turn_until_dry(monkeypatch):
    one, two = Work([1, 2, 3]), Work([1])
    give(monkeypatch, one=one, two=two)
    pumps.drain()
    assert one.batches == two.batches == []
    assert pumps.drain() == 0


def test_a_pump_without_an_end_is_named(monkeypatch):
    monkeypatch.setattr(pumps, "_ROUNDS_BEFORE_GIVING_UP", 5)
    found = give(monkeypatch, fine=Work([]))
    found["endless"] = Pump("endless", "events", lambda: True, 5, dict)
    with pytest.raises(RuntimeError, match="endless"):
        pumps.drain()


def test_the_task_runs_until_dry(monkeypatch, poked):
    work = Work([1, 2, 3])
    give(monkeypatch, one=work)
    tasks.pump("one")
    assert work.batches == [] and poked == []
    run = PumpRun.objects.get(name="one")
    assert run.finished_at and run.error == ""


def test_time_over_means_another_turn(monkeypatch, poked, settings):
    settings.PUMP_SECONDS = 0
    work = Work([1, 2, 3])
    give(monkeypatch, one=work)
    tasks.pump("one")
    assert work.batches == [2, 3] and poked == ["one"]


def test_a_failure_is_noted_counted_and_forgiven(monkeypatch, poked):
    give(monkeypatch, one=Work(["boom", "boom", 1]))
    tasks.pump("one")
    tasks.pump("one")
    run = PumpRun.objects.get(name="one")
    assert (run.error, run.failures, poked) == ("ValueError: boom", 2, [])
    tasks.pump("one")
    run.refresh_from_db()
    assert (run.error, run.failures) == ("", 0)


def test_a_hint_for_a_pump_of_an_older_version(monkeypatch, poked):
    give(monkeypatch)
    tasks.pump("gone")
    assert poked == []


def test_the_mark_is_taken_before_the_work_is_looked_for(monkeypatch):
    order = []
    found = give(monkeypatch)
    found["one"] = Pump("one", "events", lambda: order.append("run"), 5, dict)
    monkeypatch.setattr(hints, "taken", lambda name: order.append("taken"))
    tasks.pump("one")
    assert order == ["taken", "run"]


def test_schedule_follows_the_pumps(monkeypatch):
    found = give(monkeypatch, one=Work([]), two=Work([]))
    assert pumps.sync_schedule() == 3
    assert pumps.sync_schedule() == 0, "nothing changed, so beat is not disturbed"
    row = PeriodicTask.objects.get(name="pump one")
    assert (row.task, row.args, row.interval.every, row.expire_seconds) == ("scrm.core.tasks.pump", '["one"]', 7, 7)
    del found["two"]
    found["one"] = Pump("one", "bulk", found["one"].run, 30, dict)
    row.enabled = True
    assert pumps.sync_schedule() == 2
    assert set(PeriodicTask.objects.filter(task__startswith="scrm.").values_list("name", flat=True)) == {
        "pump one",
        "canary",
    }
    row.refresh_from_db()
    assert row.interval.every == 30


def test_a_hint_goes_to_its_pumps_queue(monkeypatch):
    give(monkeypatch, one=Work([]))
    assert pumps.route("scrm.core.tasks.pump", ["one"]) == {"queue": "events"}
    assert pumps.route("scrm.core.tasks.canary", []) is None


def test_every_configured_pump_is_sound():
    pumps.pumps.cache_clear()
    for pump in pumps.pumps().values():
        lag = pump.lag()
        assert {"waiting", "oldest_seconds"} <= set(lag), pump.name
        assert 1 <= pump.every <= 3600, pump.name


def test_canary_round_trip(monkeypatch, settings):
    sent = []
    monkeypatch.setattr(tasks.app, "send_task", lambda name, args, queue, **more: sent.append((name, args, queue)))
    tasks.canary()
    assert sorted(queue for _, _, queue in sent) == sorted(settings.QUEUES)
    assert Canary.objects.filter(returned_at=None).count() == len(settings.QUEUES)
    for _, args, _ in sent:
        tasks.canary_back(*args)
    assert all(row.round_trip_ms is not None for row in Canary.objects.all())
