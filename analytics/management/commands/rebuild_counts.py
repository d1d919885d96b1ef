"""``manage.py rebuild_counts``: forget the roll-ups and make them again from the event log."""

from django.core.management.base import BaseCommand

from contacts import consumers


class Command(BaseCommand):
    help = "Empties the daily counts and lets their consumer read the whole event log again, in the background."

    def handle(self, *args, **options) -> None:
        consumers.rewind("analytics.consumers.daily.consume")
        self.stdout.write("counts emptied; the workers fill them again from the log")
