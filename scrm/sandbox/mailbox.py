"""The customer's mailbox: a list, and each mail's HTML in a sandboxed frame that can run nothing of the mail."""

import email
import email.policy
import re
import sqlite3
from email.message import EmailMessage
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.html import escape, urlize
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import http
from scrm.sandbox import chat, people, store

_HREF = re.compile(r"""href\s*=\s*["'](https?://[^"']+)""", re.I)


def addresses(who: sqlite3.Row) -> list[str]:
    """The customer's own address, and those they typed into the shop's form."""
    typed = [
        row[0]
        for row in store.rows(
            "select distinct lower(detail) from act where openid = ? and kind = 'email'", who["openid"]
        )
    ]
    return list(dict.fromkeys([who["email"].lower(), *typed]))


def mails(who: sqlite3.Row) -> list[dict[str, Any]]:
    """Newest first, without bodies; only what came since this customer exists."""
    box = addresses(who)
    marks = ", ".join("?" * len(box))
    sql = f"select id, sender, recipient, subject, opened, at from mail where recipient in ({marks}) and at_real >= ?"
    rows = store.rows(sql + " order by id desc limit 50", *box, who["created_real"])
    return [dict(row) | {"when": chat.moment(row["at"])} for row in rows]


@require_GET
def mail(request: HttpRequest, number: int) -> HttpResponse:
    """Head and addresses of one mail as JSON; reading it counts as opening."""
    row = _row(number)
    message = _parsed(row)
    who = people.current()
    if not row["opened"]:
        store.run("update mail set opened = 1 where id = ?", number)
        if who:
            people.note(who["openid"], "mail", row["subject"])
    return JsonResponse(
        {
            "id": number,
            "subject": row["subject"],
            "from": str(message.get("From", row["sender"])),
            "to": row["recipient"],
            "when": chat.moment(row["at"]),
            "one_click": bool(_one_click(message)),
            "body": f"/mail/{number}/body",
        }
    )


@require_GET
def mail_body(request: HttpRequest, number: int) -> HttpResponse:
    """The HTML (else the text), with our one script, which tells the phone about pressed links; nothing else may run or load."""
    message = _parsed(_row(number))
    part = message.get_body(("html", "plain"))
    content = part.get_content() if part else ""
    if part is None or part.get_content_type() == "text/plain":
        content = f"<pre>{urlize(escape(content))}</pre>"
    page = (
        '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="/static/sandbox/mail.css"><script src="/static/sandbox/mail.js"></script>{content}'
    )
    answer = HttpResponse(page)
    here = f"http://{request.get_host()}"
    answer["Content-Security-Policy"] = (
        f"sandbox allow-scripts; default-src 'none'; img-src {here} {settings.PRODUCT_URL} data:; "
        f"style-src 'unsafe-inline' {here}; script-src {here}/static/sandbox/mail.js; frame-ancestors 'self'"
    )
    return answer


@csrf_exempt
@require_POST
def mail_unsubscribe(request: HttpRequest, number: int) -> HttpResponse:
    """What a mail program's own unsubscribe button does (RFC 8058): a POST to the address in the header."""
    row = _row(number)
    url = _one_click(_parsed(row))
    if not url:
        return JsonResponse({"error": "no one-click unsubscribe in this mail"}, status=400)
    who = people.current()
    if who:
        people.note(who["openid"], "unsubscribe", row["subject"])
    head = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        status = http.request("POST", url, data=b"List-Unsubscribe=One-Click", headers=head, timeout=5).status
    except http.HttpFailed as failed:
        return JsonResponse({"error": failed.reason}, status=502)
    return JsonResponse({"status": status, "done": 200 <= status < 300})


def mail_links(who: sqlite3.Row) -> list[tuple[int, str]]:
    """(mail id, address) of the links in the customer's mails, newest mail first."""
    found = []
    for one in mails(who)[:20]:
        part = _parsed(_row(one["id"])).get_body(("html", "plain"))
        text = part.get_content() if part else ""
        found += [(one["id"], url.replace("&amp;", "&")) for url in _HREF.findall(text)]
    return found


def _row(number: int) -> sqlite3.Row:
    row = store.row("select * from mail where id = ?", number)
    if row is None:
        raise Http404
    return row


def _parsed(row: sqlite3.Row) -> EmailMessage:
    return email.message_from_bytes(row["raw"], policy=email.policy.default)  # type: ignore[return-value]


def _one_click(message: EmailMessage) -> str:
    if "one-click" not in str(message.get("List-Unsubscribe-Post", "")).lower():
        return ""
    found = re.search(r"<(https?://[^>]+)>", str(message.get("List-Unsubscribe", "")))
    return found[1] if found else ""
