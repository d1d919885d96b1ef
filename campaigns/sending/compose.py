"""From claimed rows to what a connector takes: address, fields, tracked links. A constant number of queries for a batch."""

import hashlib
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _
from liquid.exceptions import LiquidError

from campaigns import content
from campaigns.models import Content, Link, Variant
from campaigns.sending import rules, tokens
from campaigns.sending.regate import Claimed
from channels_ingest.connectors.base import Rendered
from channels_ingest.enums import Kind
from channels_ingest.models import Channel
from contacts import identity as identities
from contacts import merge_fields
from contacts.enums import ChannelKind
from contacts.models import Identity
from scrm.core.models import Company
from scrm.lib import clock, crypto

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Ready:
    """One message with everything it needs to leave."""

    row: Claimed
    address: str = ""
    rendered: Rendered | None = None
    fault: str = ""
    """Why it could not be rendered; empty when it could."""


def compose(rows: list[Claimed]) -> list[Ready]:
    """Render a batch. A message that cannot be rendered has a ``fault`` and stops nobody else."""
    addresses = {i.pk: i for i in Identity.objects.filter(pk__in={row.identity_id for row in rows})}
    people = merge_fields.build([row.contact_id for row in rows])
    company = company_fields()
    ready = []
    for row in rows:
        item = Ready(row)
        ready.append(item)
        try:
            item.address = identities.address(addresses[row.identity_id])
            item.rendered = _render(row, people.get(row.contact_id, {}), company)
        except (KeyError, crypto.CannotOpen) as error:
            item.fault = f"address: {type(error).__name__}"
        except (LiquidError, LookupError) as error:
            item.fault = str(error).strip().partition("\n")[0][:300]
        except DatabaseError:
            raise
        except Exception as error:
            # Filters of the template language meet whatever people are called: one odd value must not hold up the batch.
            log.exception("message %s cannot be rendered", row.id)
            item.fault = type(error).__name__
    return ready


def company_fields() -> dict[str, str]:
    """The ``company`` of merge fields: its name, and the address of the first web site that is connected."""
    site = (
        Channel.objects.active()
        .filter(kind=Kind.WEB)
        .order_by("id")
        .values_list("settings__site_url", flat=True)
        .first()
    )
    return {"name": Company.get().name, "shop_url": str(site or "")}


def _render(row: Claimed, person: dict, company: dict[str, str]) -> Rendered:
    if row.body is not None:
        return written(row.channel, row.body, company["name"])
    variant = variant_for(row.content_id, row.channel, str(person.get("language") or ""))
    fields = {
        **row.context,
        "contact": person,
        "company": company,
        "message": {**(row.context.get("message") or {}), **_message_fields(row, variant)},
    }
    return content.render(variant, fields, links=_linker(row))


def written(channel: str, body: dict, company_name: str) -> Rendered:
    """What a person of ours wrote, as it was written: no merge fields, no tracked links."""
    text, data = str(body.get("text", "")), dict(body.get("data") or {})
    if channel == ChannelKind.EMAIL:
        return Rendered(kind="email", subject=str(data.pop("subject", "") or company_name), text=text)
    return Rendered(kind=str(body.get("kind") or "text"), text=text, data=data)


def _message_fields(row: Claimed, variant: Variant) -> dict[str, str]:
    """What the frame of a message needs: ways out for marketing, an open pixel for mail."""
    found = {}
    marketing = rules.is_marketing(row.purpose)
    if row.channel == ChannelKind.EMAIL:
        found["open_pixel_url"] = f"{settings.PUBLIC_URL}/o/{tokens.make(tokens.OPEN, row.id)}.gif"
        if marketing:
            found["unsubscribe_url"] = f"{settings.PUBLIC_URL}/u/{tokens.make(tokens.UNSUBSCRIBE, row.id)}"
    elif marketing:
        with translation.override("en" if variant.language.startswith("en") else "zh-hans"):
            found["opt_out_words"] = _("Reply TD to stop these messages.")
    return found


def _linker(row: Claimed) -> Callable[[str], str]:
    return lambda url: tracked(row.content_id, row.id, url)


def tracked(content_id: int, message_id: int, url: str) -> str:
    """The personal address of a link. Nothing is stored per person."""
    return f"{settings.PUBLIC_URL}/l/{tokens.make(tokens.LINK, link_id(content_id, url), message_id)}"


@lru_cache(maxsize=4096)
def link_id(content_id: int, url: str) -> int:
    """The stored link of a URL in a content version; made when first met. Content is immutable, so the cache never lies."""
    digest = uuid.UUID(bytes=hashlib.sha256(url.encode()).digest()[:16])
    Link.objects.bulk_create(
        [Link(content_id=content_id, url=url, digest=digest, created_at=clock.now())], ignore_conflicts=True
    )
    return Link.objects.values_list("pk", flat=True).get(content_id=content_id, digest=digest)


def variant_for(content_id: int, channel: str, language: str) -> Variant:
    """The variant in the person's language, else in Chinese, else the first. Raises LookupError when there is none."""
    found = [variant for variant in _approved(content_id) if variant.channel == channel]
    if not found:
        raise LookupError(f"content {content_id} has no variant for {channel}")
    wanted = language.lower()[:2] or "zh"
    return min(found, key=lambda v: (v.language.lower()[:2] != wanted, not v.language.startswith("zh"), v.pk))


@lru_cache(maxsize=512)
def _approved(content_id: int) -> tuple[Variant, ...]:
    """Only approved content gets this far, and it never changes."""
    return tuple(Variant.objects.filter(content_id=content_id).order_by("pk"))


def forget() -> None:
    """Tests reuse ids: empty the caches of links and variants."""
    link_id.cache_clear()
    _approved.cache_clear()


def names(ids: Iterable[int]) -> dict[int, str]:
    """Names of contents for pages."""
    return dict(Content.objects.filter(pk__in=set(ids)).values_list("pk", "name"))
