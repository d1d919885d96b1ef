"""Customers who say things, for tests of the service desk."""

import itertools
from datetime import timedelta

from contacts import consumers, intake
from contacts.enums import IdentityKind, Trust
from contacts.intake import Handle, Incoming
from contacts.models import Contact
from scrm.lib import clock
from service_desk.models import Conversation
from tests.campaigns.world import NOON

CONSUMER = "service_desk.consumers.conversations.consume"
_numbers = itertools.count(1)


def says(
    account, text="在吗", *, who="openid-1", at=NOON, kind="message_in", name="", digest=True, **properties
) -> Contact:
    """An event of a person by the account's platform, through intake; then the consumer reads it."""
    weibo = account.kind == "weibo"
    handle = Handle(
        IdentityKind.WEIBO_UID if weibo else IdentityKind.OPENID, who, scope=account.pk, trust=Trust.VERIFIED
    )
    with clock.frozen(at):
        (answer,) = intake.append(
            [
                Incoming(
                    kind=kind,
                    channel="weibo" if weibo else "oa",
                    occurred_at=at,
                    account_id=account.pk,
                    external_id=f"desk:{next(_numbers)}",
                    handles=(handle,),
                    properties={"type": "text", "text": text, **properties},
                    traits={"name": name} if name else {},
                )
            ]
        )
        if digest:
            digest_all()
    return Contact.objects.get(pk=answer.contact_id)


def comments(account, text="鞋底掉了", *, who="1792", at=NOON, **properties) -> Contact:
    properties.setdefault("comment_id", f"c{next(_numbers)}")
    return says(account, text, who=who, at=at, kind="commented", post_id="p1", post_text="新品上架", **properties)


def digest_all() -> None:
    while consumers.run(CONSUMER):
        pass


def talk(account, text="在吗", **options) -> Conversation:
    """The conversation that this message is in."""
    contact = says(account, text, **options)
    return Conversation.objects.going().get(contact=contact, account_id=account.pk)


def later(**time):
    return NOON + timedelta(**time)
