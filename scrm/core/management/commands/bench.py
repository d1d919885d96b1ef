"""``manage.py bench [NAME ...] [--scale small|full]``: one JSON line per bench, each in a scratch database of its own."""

import json
import os
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from scrm.core.benching import Scale, benches, scratch_database


class Command(BaseCommand):
    help = "Measure hot paths against a physical limit of this machine, in the same run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", help="all when none is given")
        parser.add_argument("--scale", choices=["small", "full"], default="small")
        parser.add_argument("--list", action="store_true", help="only print the names")

    def handle(self, *args: Any, **options: Any) -> None:
        known = benches()
        if options["list"]:
            self.stdout.write(" ".join(known))
            return
        if unknown := [name for name in options["names"] if name not in known]:
            raise CommandError(f"No bench {', '.join(unknown)}. There are: {', '.join(known)}.")
        scale = Scale(options["scale"] == "full")
        for name in options["names"] or known:
            started, load = time.monotonic(), os.getloadavg()[0]
            with scratch_database():
                result = known[name].run(scale)
            line = {"bench": name, **result, "scale": str(scale), "seconds": round(time.monotonic() - started, 1)}
            line["load"] = [round(load, 2), round(os.getloadavg()[0], 2)]
            self.stdout.write(json.dumps(line, ensure_ascii=False))
            self.stdout.flush()
