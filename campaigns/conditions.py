"""What segments may ask about messages (settings.SEGMENT_CONDITIONS).

{"kind": "message", "did": "sent" | "opened" | "clicked" | "not_opened" | "not_clicked", "campaign": id or null,
"content": id or null, "channel": "email" or null, "days": 30 or null}. not_opened and not_clicked are among those who got it.
"""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from campaigns.models import Campaign, Content
from contacts.enums import ChannelKind
from contacts.segments.base import IdSet, Leaf, Params, Scope

DID = {
    "sent": gettext_lazy("got"),
    "opened": gettext_lazy("opened"),
    "clicked": gettext_lazy("clicked a link in"),
    "not_opened": gettext_lazy("got and did not open"),
    "not_clicked": gettext_lazy("got and did not click a link in"),
}
_CONDITION = {
    "sent": "",
    "opened": " AND m.opened_at IS NOT NULL",
    "clicked": " AND m.clicked_at IS NOT NULL",
    "not_opened": " AND m.opened_at IS NULL",
    "not_clicked": " AND m.clicked_at IS NULL",
}


def check(leaf: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    if leaf.get("did", "sent") not in DID:
        problems.append(("did", _("Choose what the person did.")))
    days = leaf.get("days")
    if days is not None and not (isinstance(days, int) and 0 < days <= 3650):
        problems.append(("days", _("Enter a number of days.")))
    for name, model, words in (
        ("campaign", Campaign, _("This campaign no longer exists.")),
        ("content", Content, _("This content no longer exists.")),
    ):
        value = leaf.get(name)
        if value is not None and not (isinstance(value, int) and model.objects.filter(pk=value).exists()):
            problems.append((name, words))
    if leaf.get("channel") and leaf["channel"] not in ChannelKind.values:
        problems.append(("channel", _("Choose a channel.")))
    return problems


def compile_leaf(leaf: dict[str, Any], scope: Scope) -> IdSet:
    parts, params = "m.state IN ('sent', 'delivered') AND m.sent_at <= %s", [scope.now]
    if leaf.get("days") is not None:
        parts += " AND m.sent_at >= %s"
        params.append(scope.ago(leaf["days"]))
    if leaf.get("campaign") is not None:
        parts += " AND m.origin = 'campaign' AND m.origin_id = %s"
        params.append(leaf["campaign"])
    if leaf.get("content") is not None:
        parts += " AND m.content_id = %s"
        params.append(leaf["content"])
    if leaf.get("channel"):
        parts += " AND m.channel = %s"
        params.append(leaf["channel"])
    parts += _CONDITION[leaf.get("did", "sent")]
    narrowed, ids = scope.within("m.contact_id")

    def exists(outer: str) -> tuple[str, Params]:
        return f"SELECT 1 FROM campaigns_message m WHERE {parts} AND m.contact_id = {outer}", params

    return IdSet(
        f"SELECT m.contact_id FROM campaigns_message m WHERE {parts}{narrowed}",
        [*params, *ids],
        distinct=False,
        exists=exists,
    )


def describe(leaf: dict[str, Any]) -> str:
    did = str(DID.get(leaf.get("did", "sent"), ""))
    if leaf.get("campaign") is not None:
        name = Campaign.objects.filter(pk=leaf["campaign"]).values_list("name", flat=True).first()
        what = _("the campaign “{name}”").format(name=name or "?")
    elif leaf.get("content") is not None:
        name = Content.objects.filter(pk=leaf["content"]).values_list("name", flat=True).first()
        what = _("the content “{name}”").format(name=name or "?")
    else:
        what = _("a message")
    text = f"{did} {what}"
    if leaf.get("channel") in ChannelKind.values:
        text = _("{what} by {channel}").format(what=text, channel=ChannelKind(leaf["channel"]).label)
    if leaf.get("days") is not None:
        text += " " + ngettext("in the last day", "in the last {n} days", leaf["days"]).format(n=leaf["days"])
    return text


CONDITIONS = [Leaf("message", check, compile_leaf, describe, timed=lambda leaf: leaf.get("days") is not None)]
