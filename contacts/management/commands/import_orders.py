"""``manage.py import_orders FILE --map customer=1 date=2 quantity=3 total=4``: a file of orders, through intake."""

import time
from argparse import ArgumentParser
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError

from contacts.intake import Incoming, append
from contacts.order_files import COLUMNS, REQUIRED, BadLine, Layout, read
from scrm.core.models import Company

_SHOWN = 20


class Command(BaseCommand):
    help = "Import orders from a text file. May be repeated: orders that are stored already are left alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--map",
            nargs="+",
            required=True,
            metavar="NAME=COLUMN",
            help=f"columns counted from 1; names: {', '.join(COLUMNS)}; needed: {', '.join(REQUIRED)}",
        )
        parser.add_argument(
            "--sep", choices=["comma", "tab", "semicolon", "ws"], default="comma", help="ws: any blanks"
        )
        parser.add_argument("--date-format", default="%Y-%m-%d", help="as in Python's strptime, for example %%Y%%m%%d")
        parser.add_argument("--currency", default="CNY")
        parser.add_argument(
            "--account", type=int, default=0, help="order system (channel account) of the customer numbers"
        )
        parser.add_argument("--batch", type=int, default=2000, help="orders per transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        layout = Layout(
            columns=_columns(options["map"]),
            separator=options["sep"],
            date_format=options["date_format"],
            currency=options["currency"].upper(),
            zone=ZoneInfo(Company.get().time_zone),
            account_id=options["account"],
            label=path.name,
        )
        if not 1 <= options["batch"] <= 20_000:
            raise CommandError("--batch must be from 1 to 20,000.")
        started, stored, held, people, bad = time.monotonic(), 0, 0, 0, []
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                found = read(lines, layout)
                while chunk := list(islice(found, options["batch"])):
                    bad += [item for item in chunk if isinstance(item, BadLine)]
                    answers = append([item for item in chunk if isinstance(item, Incoming)])
                    stored += sum(answer.event_id is not None for answer in answers)
                    held += sum(answer.event_id is None for answer in answers)
                    people += sum(answer.created for answer in answers)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"Cannot read {path}: {error}") from None
        for line in bad[:_SHOWN]:
            self.stderr.write(f"line {line.number}: {line.reason}")
        if len(bad) > _SHOWN:
            self.stderr.write(f"... and {len(bad) - _SHOWN} more lines")
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{stored} orders stored, {held} were stored before, {people} new customers, {len(bad)} bad lines, {seconds:.1f} s"
        )
        if bad and not stored and not held:
            raise CommandError("No line could be read. Check --map, --sep and --date-format.")


def _columns(pairs: list[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for pair in pairs:
        name, _equals, number = pair.partition("=")
        if name not in COLUMNS or not number.isdigit() or int(number) < 1:
            raise CommandError(f"--map {pair}: write NAME=COLUMN with one of {', '.join(COLUMNS)} and a number from 1.")
        columns[name] = int(number)
    if missing := [name for name in REQUIRED if name not in columns]:
        raise CommandError(f"--map: {', '.join(missing)} is missing.")
    return columns
