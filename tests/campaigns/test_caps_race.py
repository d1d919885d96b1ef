"""Two askers at the same second cannot both take the last place."""

import threading

import pytest
from django.db import connection

from campaigns.models import Message
from campaigns.sending import submit
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written


@pytest.mark.django_db(transaction=True)
def test_caps_hold_when_planners_race(company, monkeypatch):
    company.caps = {"day": 1}
    company.save()
    oa = account("wechat_oa")
    people = [person(openid=oa.pk, last_inbound_at=NOON) for _n in range(15)]
    content = written()
    monkeypatch.setattr(clock, "_override", NOON)
    start, failures = threading.Barrier(4), []

    def run(n: int) -> None:
        try:
            order = people if n % 2 else list(reversed(people))
            start.wait()
            submit([ask(someone, content, key=f"{n}:{someone.pk}") for someone in order])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for someone in people:
        states = sorted(Message.objects.filter(contact=someone).values_list("state", flat=True))
        assert states == ["queued", "suppressed", "suppressed", "suppressed"]
