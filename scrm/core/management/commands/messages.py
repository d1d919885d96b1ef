from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scrm.core import catalogues


class Command(BaseCommand):
    help = "Bring the message catalogues up to date and compile them; --check only says what is missing or wrong."

    requires_system_checks = []  # it must work while a room is half-written

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing, fail when a translation is missing or wrong"
        )
        parser.add_argument("--compile", action="store_true", help="only compile the catalogues that changed")
        parser.add_argument(
            "--room", action="append", help="only this room (core, contacts, sandbox, ...); may be repeated"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rooms = catalogues.rooms()
        if options["room"]:
            unknown = set(options["room"]) - {room.name for room in rooms}
            if unknown:
                raise CommandError(f"No such room: {', '.join(sorted(unknown))}.")
            rooms = [room for room in rooms if room.name in options["room"]]
        wrong = []
        for room in rooms:
            if not options["check"] and not options["compile"]:
                catalogue = catalogues.update(room)
                self.stdout.write(f"{room.name}: {len(catalogue)} messages")
            if not options["check"]:
                catalogues.compile_room(room)
            if not options["compile"]:
                wrong += catalogues.problems(room)
        if not options["compile"]:
            wrong += catalogues.conflicts(catalogues.rooms())
        for line in wrong:
            self.stdout.write(line)
        if options["check"] and wrong:
            raise CommandError(f"{len(wrong)} messages need a translation.")
