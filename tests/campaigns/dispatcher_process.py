"""A dispatcher in its own process, for tests that kill it. Its platform is a file: one line per accepted message.

python tests/campaigns/dispatcher_process.py DATABASE RECORD SECONDS_PER_MESSAGE
"""

import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ["DJANGO_SETTINGS_MODULE"] = "scrm.settings"
os.environ["HINTS"] = "0"

import django

django.setup()

from datetime import timedelta  # noqa: E402

from django.conf import settings  # noqa: E402

database, record, pace = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
settings.DATABASES["default"]["NAME"] = database

from campaigns.sending import dispatch  # noqa: E402
from channels_ingest.connectors import registry  # noqa: E402
from channels_ingest.connectors.base import Receipt  # noqa: E402
from scrm.lib import clock  # noqa: E402
from tests.campaigns import world  # noqa: E402

dispatch.LEASE = timedelta(seconds=1)


class Recorder(world.Platform):
    @contextmanager
    def open(self, channel):
        yield self

    def send(self, address, rendered, key):
        with record.open("a") as lines:
            lines.write(key + "\n")
        time.sleep(pace)
        return Receipt(key)


registry.CONNECTORS.update(Recorder().connectors())
with clock.frozen(world.NOON):
    while dispatch.run_once():
        pass
