"""Short ways to say what happened, shared by the tests of this room."""

from datetime import UTC, datetime, timedelta
from itertools import count

from contacts.enums import ChannelKind, IdentityKind, Trust
from contacts.intake import Handle, Incoming

NOON = datetime(2026, 5, 20, 4, tzinfo=UTC)
"""Noon in Shanghai."""
OA, WEB, SHOP = 1, 2, 3
_numbers = count(1)


def ago(**delta) -> datetime:
    return NOON - timedelta(**delta)


def openid(value, trust=Trust.VERIFIED):
    return Handle(IdentityKind.OPENID, f"o-{value}-0123456789", OA, trust)


def browser(value, trust=Trust.OBSERVED):
    return Handle(IdentityKind.ANONYMOUS, f"browser-{value}", 0, trust)


def email(value, trust=Trust.CLAIMED):
    return Handle(IdentityKind.EMAIL, f"{value}@example.com", 0, trust)


def user(value, trust=Trust.VERIFIED):
    return Handle(IdentityKind.USER_ID, f"user-{value}", 0, trust)


def customer(value):
    return Handle(IdentityKind.CUSTOMER, str(value), 0, Trust.VERIFIED)


def act(kind, *handles, at=NOON, channel=ChannelKind.WEB, account=WEB, key=None, **more) -> Incoming:
    """An event from outside with a fresh external id."""
    return Incoming(
        kind=kind,
        channel=channel,
        occurred_at=at,
        account_id=account,
        external_id=key or f"key-{next(_numbers)}",
        handles=handles,
        **more,
    )


def followed(value, at=NOON, **more):
    return act("followed", openid(value), at=at, channel=ChannelKind.OA, account=OA, **more)


def paid(who, number, total, at=NOON, **properties):
    return act(
        "order_paid",
        who,
        at=at,
        channel=ChannelKind.SHOP,
        account=SHOP,
        key=f"paid-{number}",
        properties={"order_id": str(number), "total": total, **properties},
    )


def refunded(who, number, amount=None, at=NOON, key=None):
    told = {"order_id": str(number)} | ({"amount": amount} if amount is not None else {})
    return act("order_refunded", who, at=at, channel=ChannelKind.SHOP, account=SHOP, key=key, properties=told)
