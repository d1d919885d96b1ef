"""The detector in force, and how it learns (service_desk.complaints is the arithmetic)."""

import hashlib
from functools import lru_cache

from django.db import connection, transaction

from scrm.lib import clock
from service_desk import complaints
from service_desk.complaint_examples import CORPUS
from service_desk.complaints import Model, Verdict
from service_desk.models import Correction, DetectorVersion

LEARN_LOCK = 0x7A6B0031
_KEPT_VERSIONS = 5


def current() -> Model:
    """One small query a batch tells which version is in force; the numbers are read when it is a new one. Before the first
    training is stored, this process trains on the seed."""
    newest = DetectorVersion.objects.order_by("-id").values_list("id", flat=True).first()
    return _loaded(newest) if newest else _seeded()


def judge(text: str) -> Verdict:
    return current().judge(text)


def is_behind() -> bool:
    """Are there corrections, or a seed, that the detector in force does not know?"""
    newest = DetectorVersion.objects.order_by("-id").values_list("correction_id", "seed").first()
    last = Correction.objects.order_by("-id").values_list("id", flat=True).first() or 0
    return newest is None or newest != (last, _fingerprint())


@transaction.atomic
def learn() -> bool:
    """Train again when there is something to learn; True when it did. One worker at a time, and a crash leaves the old version."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LEARN_LOCK])
        if not cursor.fetchone()[0]:
            return False
    if not is_behind():
        return False
    rows = list(Correction.objects.order_by("id").values_list("id", "text", "label"))
    model = complaints.train(CORPUS, [(text, label) for _pk, text, label in rows])
    version = DetectorVersion.objects.create(
        data=model.dump(),
        report=complaints.measure() | {"corrections": len(rows)},
        correction_id=rows[-1][0] if rows else 0,
        seed=_fingerprint(),
        trained_at=clock.real_now(),
    )
    DetectorVersion.objects.filter(pk__lte=version.pk - _KEPT_VERSIONS).delete()
    return True


def run_once() -> bool:
    learn()
    return False


def lag() -> dict[str, float | None]:
    newest = DetectorVersion.objects.order_by("-id").values_list("correction_id", flat=True).first() or 0
    waiting = Correction.objects.filter(pk__gt=newest)
    oldest = waiting.order_by("id").values_list("at", flat=True).first()
    seconds = (clock.real_now() - oldest).total_seconds() if oldest else 0
    return {"waiting": waiting.count(), "oldest_seconds": seconds}


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    rules = "|".join(pattern.pattern for pattern in complaints.RULES)
    return hashlib.blake2b(f"{CORPUS}{rules}".encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=2)
def _loaded(version: int) -> Model:
    return Model.load(DetectorVersion.objects.values_list("data", flat=True).get(pk=version))


@lru_cache(maxsize=1)
def _seeded() -> Model:
    return complaints.train(CORPUS)
