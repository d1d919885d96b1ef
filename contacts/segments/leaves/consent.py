"""Consent per channel and purpose, as it is now."""

from typing import Any

from django.utils.translation import gettext as _

from contacts.enums import ChannelKind, ConsentState, Purpose
from contacts.segments.base import IdSet, Leaf, Params, Scope


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    if leaf.get("channel") not in ChannelKind.values:
        problems.append(("channel", _("Choose a channel.")))
    if leaf.get("purpose", Purpose.MARKETING) not in Purpose.values:
        problems.append(("purpose", _("Choose a purpose.")))
    if leaf.get("state", ConsentState.GRANTED) not in {*ConsentState.values, "none"}:
        problems.append(("state", _("Choose a state.")))
    return problems


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> IdSet:
    state = leaf.get("state", ConsentState.GRANTED)
    condition = "k.channel = %s AND k.purpose = %s" + ("" if state == "none" else " AND k.state = %s")
    inner: Params = [leaf["channel"], leaf.get("purpose", Purpose.MARKETING)] + ([] if state == "none" else [state])
    narrowed, ids = scope.within("k.contact_id")

    def exists(outer: str) -> tuple[str, Params]:
        return f"SELECT 1 FROM contacts_consent k WHERE {condition} AND k.contact_id = {outer}", inner

    sql = f"SELECT k.contact_id FROM contacts_consent k WHERE {condition}{narrowed}"
    return IdSet(sql, inner + ids, exists=exists, negated=state == "none")


def describe(leaf: dict[str, Any]) -> str:
    channel = ChannelKind(leaf["channel"]).label if leaf.get("channel") in ChannelKind.values else ""
    text = {
        ConsentState.GRANTED: _("agreed to messages by {channel}"),
        ConsentState.PENDING: _("was asked about messages by {channel} and has not answered"),
        ConsentState.WITHDRAWN: _("withdrew the consent to messages by {channel}"),
    }.get(leaf.get("state", ConsentState.GRANTED), _("was never asked about messages by {channel}"))
    return text.format(channel=channel)


LEAF = Leaf("consent", check, compile_leaf, describe)
