"""Coupons: given out in sets, once per key, never more than there are."""

import secrets
from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from campaigns.enums import BatchState
from campaigns.models import Coupon, CouponBatch
from contacts import intake
from contacts.enums import ChannelKind, EventKind
from scrm.core.models import Company
from scrm.lib import clock

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without signs that are mistaken for each other; 10 of them are 49 bits."""
CODE_LENGTH = 10
_TRIES = 5


@transaction.atomic
def issue(
    batch_id: int,
    contact_ids: Iterable[int],
    key_prefix: str,
    *,
    origin: str = "",
    origin_id: int = 0,
    events: list[intake.Incoming] | None = None,
) -> dict[int, str]:
    """Give each contact a code of the batch; answers {contact id: code}, without those for whom no stock was left.

    Idempotent by (key prefix, contact): asking again gives the same codes. Locks the batch's row until the transaction
    ends, so stock holds under any race. Nothing new comes from a batch that is not active. ``origin`` and ``origin_id``: the
    campaign or journey that gives them, for its effect. coupon_issued events are appended last.
    """
    wanted = sorted(set(contact_ids))
    if not wanted:
        return {}
    keys = {f"{key_prefix}:{pk}": pk for pk in wanted}
    batch = CouponBatch.objects.select_for_update().get(pk=batch_id)
    held = {
        keys[key]: code
        for key, code in Coupon.objects.filter(issue_key__in=list(keys)).values_list("issue_key", "code")
    }
    room = batch.left if batch.state == BatchState.ACTIVE else 0
    new = [pk for pk in wanted if pk not in held][:room]
    if not new:
        return held
    now = clock.now()
    rows = [
        Coupon(
            batch=batch,
            contact_id=pk,
            code=code,
            issue_key=f"{key_prefix}:{pk}",
            origin=origin,
            origin_id=origin_id,
            issued_at=now,
            expires_at=now + timedelta(days=batch.valid_days),
        )
        for pk, code in zip(new, _codes(len(new)), strict=True)
    ]
    Coupon.objects.bulk_create(rows)
    CouponBatch.objects.filter(pk=batch_id).update(issued=F("issued") + len(rows))
    told = [_issued(batch, row) for row in rows]
    if events is None:
        intake.append_own(told)
    else:
        events += told
    return held | {row.contact_id: row.code for row in rows}


def _issued(batch: CouponBatch, row: Coupon) -> intake.Incoming:
    return intake.Incoming(
        kind=EventKind.COUPON_ISSUED.value,
        channel=ChannelKind.SYS.value,
        occurred_at=row.issued_at,
        contact_id=row.contact_id,
        properties={
            "batch": batch.pk,
            "name": batch.name,
            "code": row.code,
            "value": str(batch.value),
            "currency": batch.currency,
            "coupon": row.pk,
            "origin": row.origin,
            "origin_id": row.origin_id,
        },
    )


def fields(codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """{code: the ``coupon`` merge fields of content}, for SendRequest.context; one query. The last day is the company's."""
    zone = ZoneInfo(Company.zone())
    rows = Coupon.objects.filter(code__in=list(codes)).select_related("batch")
    return {
        row.code: {
            "code": row.code,
            "name": row.batch.name,
            "value": f"{row.batch.value.normalize():f}",
            "ends_on": row.expires_at.astimezone(zone).date().isoformat(),
        }
        for row in rows
    }


def _codes(count: int) -> list[str]:
    """New codes. Forty-nine random bits collide once in many millions of issues; the few that do are drawn again."""
    for _try in range(_TRIES):
        found = {"".join(secrets.choice(ALPHABET) for _n in range(CODE_LENGTH)) for _m in range(count)}
        if len(found) == count and not Coupon.objects.filter(code__in=found).exists():
            return list(found)
    raise RuntimeError("no free coupon codes")
