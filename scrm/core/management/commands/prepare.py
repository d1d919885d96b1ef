"""``manage.py prepare``: everything between a database and the first request. Safe to run at every start and every deploy."""

import hashlib
import os

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from scrm.core import first_run, pumps
from scrm.runtime import places

UNUSED_STATIC = ["*.scss", "*.html", "*.rtl*", "*-200*", "*-300*", "*.esm*", "*.mjs", "*.ts", "*.md", "tabler-flags*",
                 "tabler-payments*", "tabler-socials*", "tabler-marketing*", "tabler-props*", "tabler-icons-filled*",
                 "src", "modular", "ext", "echarts.common*", "echarts.simple*", "package.json"]  # fmt: skip
"""Parts of the front-end packages that no page loads."""


class Command(BaseCommand):
    help = "Migrates, compiles translations, collects static files, writes beat's schedule; in demo mode fills an empty database."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--no-data", action="store_true", help="no demo data even in demo mode")

    def handle(self, *args, no_data: bool = False, **options) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        self.say("database ready")
        if "messages" in get_commands():
            call_command("messages", compile=True)
        self.collect()
        changed = pumps.sync_schedule()
        self.say(f"schedule ready ({changed} changed)")
        banner: dict[str, object] = {}
        if settings.DEMO and not no_data and "demo" in get_commands():
            banner["logins"] = self.demo()
        if token := first_run.token():
            banner["first_run"] = f"{settings.PUBLIC_URL}/first-run/?token={token}"
        places.write_state(settings.DATA_DIR, "banner", banner)

    def demo(self) -> list[list[str]]:
        """Fill an empty database; the log-ins to print (role, e-mail, password)."""
        if first_run.is_needed():
            call_command("demo")
        module = __import__(f"{get_commands()['demo']}.management.commands.demo", fromlist=["LOGINS"])
        return [list(login) for login in getattr(module, "LOGINS", [])]

    def collect(self) -> None:
        """collectstatic, when a source file is new, changed or gone since last time (a second start skips the copying)."""
        stamp = settings.STATIC_ROOT / ".sources"
        now = self.fingerprint()
        if stamp.exists() and stamp.read_text() == now:
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=UNUSED_STATIC)
        stamp.write_text(now)
        self.say("static files ready")

    def fingerprint(self) -> str:
        digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
        for finder in get_finders():
            for path, storage in sorted(finder.list(UNUSED_STATIC), key=lambda found: found[0]):
                facts = os.stat(storage.path(path))
                digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
