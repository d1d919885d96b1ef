"""``manage.py prepare``: everything between a database and the first request. Safe to run at every start and every deploy."""

import hashlib
import os
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connection
from django.utils.translation.reloader import translation_file_changed

from scrm.core import first_run, pumps
from scrm.core.assets import UNUSED
from scrm.runtime import places

UNFINISHED = "demo-unfinished"
"""The state that the command ``demo`` leaves while it has not come to its end."""


class Command(BaseCommand):
    help = "Migrates, compiles translations, collects static files, writes beat's schedule; in demo mode fills an empty database."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--no-data", action="store_true", help="no demo data even in demo mode")
        parser.add_argument(
            "--built", action="store_true", help="translations and static files are in the image already"
        )
        parser.add_argument(
            "--build", action="store_true", help="only those two, without a database (making the image)"
        )

    def handle(self, *args, no_data: bool, built: bool, build: bool, **options) -> None:
        if not built:
            call_command("messages", compile=True)
            # This process has read the catalogues before they were there; the demo's names are translated in it.
            translation_file_changed(None, Path("django.mo"))
            self.collect()
        if build:
            return
        if settings.DEMO and not no_data:
            self.forget_unfinished_demo()
        call_command("migrate", interactive=False, verbosity=0)
        self.say("database ready")
        changed = pumps.sync_schedule()
        self.say(f"schedule ready ({changed} changed)")
        banner: dict[str, object] = {}
        if settings.DEMO and not no_data:
            banner["logins"] = self.demo()
        if token := first_run.token():
            banner["first_run"] = f"{settings.PUBLIC_URL}/first-run/?token={token}"
            self.say(f"first run, make the administrator here: {banner['first_run']}")
        places.write_state(settings.DATA_DIR, "banner", banner)

    def demo(self) -> list[list[str]]:
        """Fill an empty database; the log-ins to print (role, e-mail, password)."""
        if first_run.is_needed():
            self.say("making the demo company, this once: half a year of history, a minute or a few")
            call_command("demo")
        # By name: the demo stands left of core in the import chain.
        module = import_module(f"{get_commands()['demo']}.management.commands.demo")
        return [list(login) for login in module.LOGINS]

    def forget_unfinished_demo(self) -> None:
        """Throw away a demo whose making was cut off; it is made again from nothing. Only in the database that the mark
        names: a data folder may by now be used with another one, whose data is none of our business."""
        mark = places.read_state(settings.DATA_DIR, UNFINISHED)
        if not mark or mark.get("database") != settings.DATABASE_URL.rpartition("@")[2]:
            return
        self.say("the demo data was not finished last time: starting again")
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        places.remove_state(settings.DATA_DIR, UNFINISHED)

    def collect(self) -> None:
        """collectstatic, when a source file is new, changed or gone since last time (a second start skips the copying)."""
        stamp = settings.STATIC_ROOT / ".sources"
        now = self.fingerprint()
        if stamp.exists() and stamp.read_text() == now:
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=UNUSED)
        stamp.write_text(now)
        self.say("static files ready")

    def fingerprint(self) -> str:
        digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
        for finder in get_finders():
            for path, storage in sorted(finder.list(UNUSED), key=lambda found: found[0]):
                facts = os.stat(storage.path(path))
                digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
