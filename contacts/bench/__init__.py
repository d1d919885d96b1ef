"""Benches of this room (manage.py bench)."""

from contacts.bench import ingest, log_order, membership, segment
from scrm.core.benching import Bench

BENCHES = [
    Bench("ingest", ingest.run),
    Bench("log_order", log_order.run),
    Bench("segment", segment.run),
    Bench("membership", membership.run),
]
