"""kill -9 in the middle of sending: nothing is lost and nothing goes out twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection

from campaigns.enums import State
from campaigns.models import Message
from campaigns.sending import dispatch, submit
from campaigns.tallies import MESSAGES
from contacts.models import Event
from scrm.core import tallies
from scrm.lib import clock
from tests.campaigns.world import NOON, account, ask, person, written

PEOPLE = 240


def start(record: Path, pace: float) -> subprocess.Popen:
    script = Path(__file__).with_name("dispatcher_process.py")
    return subprocess.Popen(
        [sys.executable, str(script), connection.settings_dict["NAME"], str(record), str(pace)], env=dict(os.environ)
    )


@pytest.mark.django_db(transaction=True)
def test_kill_9_in_the_middle_of_a_batch(company, tmp_path):
    oa, content, record = account("wechat_oa"), written(), tmp_path / "accepted"
    record.touch()
    with clock.frozen(NOON):
        submit([ask(person(openid=oa.pk, last_inbound_at=NOON), content) for _n in range(PEOPLE)])
    for seen in (30, 100):
        process = start(record, 0.01)
        deadline = time.monotonic() + 60
        while len(record.read_text().split()) < seen and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert tallies.drift(MESSAGES) == [], "what was killed left counts without messages"
        time.sleep(1)  # the short lease of this test's workers runs out
    last = start(record, 0)
    assert last.wait(timeout=120) == 0
    accepted = record.read_text().split()
    assert tallies.drift(MESSAGES) == []
    states = dict(Message.objects.values_list("key", "state"))
    assert len(states) == PEOPLE
    assert len(accepted) == len(set(accepted)), "something went out twice"
    unknown = {key for key, state in states.items() if state == State.UNKNOWN}
    sent = {key for key, state in states.items() if state == State.SENT}
    assert sent | unknown == set(states), "something was lost"
    assert sent <= set(accepted)
    assert len(unknown) <= 2 * dispatch.HANDFUL
    told = Event.objects.filter(kind="message_sent").values_list("properties__message", flat=True)
    assert sorted(told) == sorted(Message.objects.filter(state=State.SENT).values_list("pk", flat=True))
