"""The live log: the customer's acts, and under each what the platform and the product did, with the seconds since."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from scrm.sandbox import store

GROUPS = ("ingest", "profile", "journey", "send", "held")
_GROUP_OF = {
    "ingest": (
        "followed",
        "unfollowed",
        "scanned",
        "message_in",
        "menu_",
        "location_",
        "page_",
        "product_viewed",
        "track",
        "form_",
        "ingest",
    ),
    "held": ("message_held", "message_suppressed", "message_failed", "message_bounced", "message_expired", "held"),
    "send": ("message_", "send", "coupon_issued"),
    "journey": ("journey",),
    "profile": ("",),
}
_LATE = 0.15
"""A process notices a shift of the clock within a tenth of a second, so it may date what it did a little before the shift."""


@dataclass
class Line:
    at: float
    group: str
    ico: str
    tone: str
    title: str
    detail: str = ""
    badge: str = ""
    badge_tone: str = ""
    url: str = ""
    key: str = ""
    when: str = ""
    took: float | None = None
    act: int | None = None
    """The act that caused it, where the record knows."""


@dataclass
class Act:
    at: float
    ico: str
    tone: str
    title: str
    key: str
    when: str = ""
    lines: list[Line] = field(default_factory=list)


def acts(openid: str, product: list[dict[str, Any]]) -> list[Act]:
    """Oldest first, at most the last 60 acts. ``product``: the items of the product's log."""
    labels = {row["scene"]: row["label"] for row in store.rows("select scene, label from qr where label != ''")}
    found = [
        _act(row, labels)
        for row in store.rows(
            "select * from act where openid = ? and kind not like 'script:%' order by id desc limit 60", openid
        )
    ]
    found = [act for act in found if act.title]
    found.sort(key=lambda act: act.at)
    if not found:
        return []
    known = {act.key: act for act in found}
    lines = _callbacks(openid) + _calls(openid) + [line for item in product if (line := _line(item))]
    if not product:
        lines += _arrivals(openid)
    for line in sorted(lines, key=lambda line: line.at):
        owner = known.get(f"a{line.act}") or next(
            (act for act in reversed(found) if act.at <= line.at + _LATE), found[0]
        )
        passed = max(line.at - owner.at, 0.0)
        line.when = f"+{passed:.2f}s" if passed < 10 else f"+{passed:.0f}s" if passed < 100 else _clock(line.at)
        owner.lines.append(line)
    return found


def _act(row: Any, labels: dict[str, str]) -> Act:
    kind, detail = row["kind"], row["detail"]
    if kind in {"follow", "scan"}:
        detail = labels.get(detail, detail)
    titles = {
        "follow": (
            "qrcode",
            "c-oa",
            _("The customer scans the code “%s” and follows") % detail if detail else _("The customer follows"),
        ),
        "scan": ("qrcode", "c-oa", _("The customer scans the code “%s”") % detail),
        "unfollow": ("user-minus", "t-mute", _("The customer unfollows")),
        "text": ("message-2", "c-oa", _("The customer writes: %s") % detail),
        "image": ("photo", "c-oa", _("The customer sends a picture")),
        "voice": ("microphone", "c-oa", _("The customer sends a voice message")),
        "link": ("link", "c-oa", _("The customer sends a link")),
        "location": ("map-pin", "c-oa", _("The customer sends a place")),
        "report_location": ("map-pin", "c-oa", _("The phone reports its place")),
        "menu": ("menu-2", "c-oa", _("The customer presses the menu “%s”") % detail),
        "open": ("link", "c-web", _("The customer opens a link: %s") % detail),
        "view": ("shopping-bag", "c-shop", _("The customer looks at %s") % detail),
        "email": ("forms", "c-shop", _("The customer leaves an e-mail address: %s") % detail),
        "mail": ("mail-opened", "c-email", _("The customer opens the mail “%s”") % detail),
        "unsubscribe": ("mail-off", "c-email", _("The customer unsubscribes with one click in “%s”") % detail),
        "weibo_bind": ("link", "c-weibo", _("The customer binds the Weibo account %s in the shop") % detail),
        "weibo_comment": ("message-2", "c-weibo", _("The customer comments on Weibo: %s") % detail),
        "weibo_stranger": ("message-2", "c-weibo", _("A stranger comments on Weibo: %s") % detail),
        "weibo_message": ("message-2", "c-weibo", _("The customer writes a private message on Weibo: %s") % detail),
        "clock": ("player-track-next", "t-warn", _("The business clock goes to %s") % detail),
    }
    ico, tone, title = titles.get(kind, ("", "", ""))
    return Act(row["at"], ico, tone, title, f"a{row['id']}", _clock(row["at"]))


def _callbacks(openid: str) -> list[Line]:
    """What the platform told the product: dated when the try that counted began, a passive reply when it ended."""
    lines = []
    for row in store.rows("select * from callback where openid = ? order by id desc limit 120", openid):
        took = (row["took_ms"] or 0) / 1000
        ended = row["at"] + ((row["done_real"] or row["at_real"]) - row["at_real"])
        if row["state"] == "done":
            badge, tone, detail = (
                _("%d ms") % row["took_ms"],
                "t-ok",
                _("signed and encrypted, answered at the first try"),
            )
            if row["attempts"] > 1:
                detail, tone = _("answered at try %d") % row["attempts"], "t-warn"
        elif row["state"] == "failed":
            badge, tone = _("given up"), "t-bad"
            detail = _("%(n)d tries: %(note)s") % {"n": row["attempts"], "note": row["note"]}
        else:
            badge, tone, detail = _("waiting"), "t-warn", row["note"] or _("in the platform's outbox")
        title = _("The platform calls back: %s") % row["label"]
        started = max(ended - took, row["at"])
        lines.append(
            Line(
                started,
                "ingest",
                "webhook",
                "c-sys",
                title,
                detail,
                badge,
                tone,
                key=f"c{row['id']}",
                took=took,
                act=row["act"],
            )
        )
        if row["reply"]:
            title = _("Passive reply in the same answer")
            lines.append(
                Line(
                    ended,
                    "send",
                    "message-reply",
                    "c-oa",
                    title,
                    badge=_("shown"),
                    badge_tone="t-ok",
                    key=f"r{row['id']}",
                )
            )
    return lines


def _calls(openid: str) -> list[Line]:
    """What the platform refused."""
    why = {
        21405: _("the window is closed: no private message within 48 hours"),
        20201: _("the comment is gone"),
        45015: _("the window is closed: the customer has not written within 48 hours, or does not follow"),
        45047: _("the number of messages for this window is used up"),
        43004: _("the customer does not follow"),
        40001: _("the access token is not valid"),
        45009: _("the quota is used up"),
        -1: _("the platform is busy"),
    }
    sql = "select * from call where openid = ? and errcode != 0 order by id desc limit 60"
    return [
        Line(
            row["at"],
            "held",
            "shield-x",
            "t-bad",
            _("The platform refuses %s") % row["path"],
            why.get(row["errcode"], row["note"]),
            str(row["errcode"]),
            "t-bad",
            key=f"e{row['id']}",
        )
        for row in store.rows(sql, openid)
    ]


def _arrivals(openid: str) -> list[Line]:
    """Messages that came, shown only while the product's own log cannot be read."""
    sql = "select * from chat where openid = ? and via in ('custom', 'template') order by id desc limit 60"
    return [
        Line(
            row["at"],
            "send",
            "send",
            "c-oa",
            _("A message arrives on the phone"),
            badge=_("delivered"),
            badge_tone="t-ok",
            key=f"m{row['id']}",
        )
        for row in store.rows(sql, openid)
    ]


def _line(item: dict[str, Any]) -> Line | None:
    try:
        at = datetime.fromisoformat(str(item["at"]).replace("Z", "+00:00"))
    except (KeyError, ValueError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    badge = item.get("badge") or ""
    text, tone = (
        (badge.get("text", ""), badge.get("tone", ""))
        if isinstance(badge, dict)
        else (str(badge), str(item.get("tone") or "") if badge else "")
    )
    url = str(item.get("url") or "")
    kind = str(item.get("kind") or "")
    return Line(
        at.timestamp(),
        kind if kind in GROUPS else next(group for group, starts in _GROUP_OF.items() if kind.startswith(starts)),
        str(item.get("icon") or "point"),
        _tone(str(item.get("tone") or "") or (f"c-{item['channel']}" if item.get("channel") else "")),
        str(item["title"]),
        str(item.get("detail") or ""),
        text,
        _tone(tone),
        url if url.startswith("/") and not url.startswith("//") else "",
        key=f"p{item['id']}",
    )


def _tone(name: str) -> str:
    """ "info" and "t-info" both mean the tone; a channel is "c-oa"."""
    return name if name.startswith(("t-", "c-")) or not name else f"t-{name}"


def _clock(seconds: float) -> str:
    return timezone.localtime(datetime.fromtimestamp(seconds, UTC)).strftime("%H:%M:%S")
