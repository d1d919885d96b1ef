"""``manage.py check_counts [NAME ...] [--repair]``: are the kept counts what counting anew finds?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scrm.core import tallies


class Command(BaseCommand):
    help = "Compare the kept counts with their tables, also while everything runs. Fails when they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", help=f"all when none is given: {', '.join(tallies.tallies())}")
        parser.add_argument("--repair", action="store_true", help="make those that differ anew")

    def handle(self, *args: Any, **options: Any) -> None:
        if unknown := [name for name in options["names"] if name not in tallies.tallies()]:
            raise CommandError(f"No counts {', '.join(unknown)}. There are: {', '.join(tallies.tallies())}.")
        wrong = []
        for tally in tallies.named(options["names"]):
            found = tallies.drift(tally)
            for row in found[:20]:
                key = " ".join(str(part) or "-" for part in row.key)
                self.stdout.write(f"{tally.name} {key}: kept {list(row.kept)}, counted {list(row.counted)}")
            if found and options["repair"]:
                tallies.recount(tally)
                found = tallies.drift(tally)
                self.stdout.write(f"{tally.name}: made anew")
            self.stdout.write(f"{tally.name}: {f'{len(found)} keys differ' if found else 'right'}")
            wrong += [tally.name] if found else []
        if wrong:
            raise CommandError(f"Wrong counts: {', '.join(wrong)}. --repair makes them anew.")
