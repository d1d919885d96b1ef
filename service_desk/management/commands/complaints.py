"""``manage.py complaints``: how well the detector tells complaints apart, on sentences it was not trained with."""

from django.core.management.base import BaseCommand

from service_desk import complaints


class Command(BaseCommand):
    help = "Cross-validate the complaint detector on its built-in sentences; or judge a text."

    def add_arguments(self, parser):
        parser.add_argument("text", nargs="?", help="Judge this text with the built-in sentences alone.")

    def handle(self, *args, **options):
        if options["text"]:
            self.stdout.write(str(complaints.train(complaints.CORPUS).judge(options["text"])))
            return
        report = complaints.measure()
        self.stdout.write(f"{report['examples']} sentences in {complaints.HELD_OUT} parts, each judged unseen")
        self.stdout.write(f"accuracy {report['accuracy']:.3f} over four classes")
        self.stdout.write(f"complaints: recall {report['recall']:.3f}, precision {report['precision']:.3f}")
        for label, row in report["table"].items():
            self.stdout.write(f"  {label:10} -> " + ", ".join(f"{said} {n}" for said, n in sorted(row.items())))
