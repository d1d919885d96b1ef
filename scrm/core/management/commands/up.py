"""``manage.py up``: the whole product on this machine, in the foreground (``make run``)."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from scrm.runtime.places import CannotStart
from scrm.runtime.stack import Stack, plan_from


class Command(BaseCommand):
    help = "Runs everything on this machine: embedded Postgres and Redis, web, workers, beat, and the sandbox in demo mode."
    requires_system_checks: list[str] = []

    def handle(self, *args, **options) -> None:
        try:
            plan = plan_from(settings)
            code = Stack(plan).run()
        except CannotStart as error:
            raise CommandError(str(error)) from None
        if code:
            raise SystemExit(code)
