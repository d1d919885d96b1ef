"""``manage.py demo``: the demo company with half a year of history, on an empty database."""

import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import translation

from contacts.models import Contact
from scrm.core import first_run
from scrm.demo import company, programmes, sandbox
from scrm.demo.history import CONTACTS, DAYS, History, give_owners
from scrm.lib import clock, env
from scrm.runtime import places

LOGINS = [(name_role, email, company.PASSWORD) for _name, name_role, email, _team in company.PEOPLE]
"""Role, log-in, password: printed at every start of the demo."""


class Command(BaseCommand):
    help = (
        "Fills an empty database with the demo company 山野跑步 and its half year of history (seeded, always the same)."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--contacts", type=int, default=env.integer("DEMO_CONTACTS", CONTACTS))
        parser.add_argument("--connect", action="store_true", help="only tell the sandbox about the channels")
        parser.add_argument("--days", type=int, default=env.integer("DEMO_DAYS", DAYS))

    @translation.override("zh-hans")
    def handle(self, *args, contacts: int, days: int, connect: bool, **options) -> None:
        if not settings.DEMO:
            raise CommandError("Demo data belongs into a demo: start with DEMO=1.")
        if connect:
            sandbox.connect()
            return
        if not first_run.is_needed() or Contact.objects.exists():
            raise CommandError("The database is not empty; demo data is only made on an empty one.")
        began = time.monotonic()
        # Not one transaction: half a year of updates to the same rows would leave their old versions in everybody's way.
        # The mark lets ``prepare`` see a start that was cut off, and begin again from nothing.
        places.write_state(
            settings.DATA_DIR,
            "demo-unfinished",
            {"since": clock.real_now().isoformat(), "database": settings.DATABASE_URL.rpartition("@")[2]},
        )
        with transaction.atomic():
            demo = company.found()
            programmes.launch(demo)
        events = History(demo, contacts=contacts, days=days).replay(self.say)
        give_owners(demo)
        with transaction.atomic():
            programmes.launch_orders(demo)
        places.remove_state(settings.DATA_DIR, "demo-unfinished")
        self.stdout.write(
            f"demo company ready: {contacts:,} contacts, {events:,} acts in {time.monotonic() - began:.0f} s"
        )
        sandbox.connect()

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
