"""The phone page and what its scripts ask for."""

import hashlib
import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from scrm.lib import clock
from scrm.sandbox import chat, faults, log, mailbox, outbox, people, script, setup, store, times
from scrm.sandbox.feed import FEED
from scrm.sandbox.shop.catalogue import CATEGORIES, SHOES
from scrm.sandbox.weibo import phone as weibo

_BORN = str(time.time_ns())
PARTS = ("who", "acts", "clock", "script", "chat", "mails", "weibo", "log")
NOTES = {"open", "email"}
_YEAR = 365 * 24 * 3600


@require_GET
def phone(request: HttpRequest) -> HttpResponse:
    who = people.current()
    if who is None:
        return redirect("accounts")
    return render(request, "sandbox/phone.html", {**_context(who), "version": _version(who)})


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """204 while nothing changed since ``v``; else the parts whose content differs from the hashes that the page has."""
    who = people.current()
    if who is None:
        return JsonResponse({"reload": True})
    version = _version(who)
    if request.GET.get("v") == version:
        return HttpResponse(status=204)
    context = _context(who)
    parts = {}
    for name in PARTS:
        html = render_to_string(f"sandbox/_{name}.html", context, request)
        mark = hashlib.blake2s(html.encode(), digest_size=6).hexdigest()
        if request.GET.get(name) != mark:
            parts[name] = {"mark": mark, "html": html}
    return JsonResponse({"version": version, "openid": who["openid"], "parts": parts})


def _version(who: Any) -> str:
    FEED.items(_handles(who))
    minute = clock.now().strftime("%d%H%M")
    return f"{_BORN[-9:]}-{store.version()}-{FEED.version}-{minute}"


def _handles(who: Any) -> tuple[str, ...]:
    """Everything the product may know this customer by."""
    browser = store.setting(f"browser:{who['openid']}", "")
    uid = store.value("select uid from weibo_user where openid = ?", who["openid"]) or ""
    return tuple(handle for handle in (who["openid"], *mailbox.addresses(who), browser, uid) if handle)


def _context(who: Any) -> dict[str, Any]:
    account = people.account_of(who["appid"])
    product = FEED.items(_handles(who))
    acts = log.acts(who["openid"], product)
    lines = [line for act in acts for line in act.lines]
    mails = mailbox.mails(who)
    now = timezone.localtime(clock.now())
    tooks = [line.took for line in lines if line.took is not None]
    return {
        "who": who,
        "account": account,
        "acts": acts,
        "line_count": len(lines),
        "bad_count": sum(line.badge_tone == "t-bad" for line in lines),
        "took": sum(tooks) / len(tooks) if tooks else None,
        "product_heard": FEED.reachable,
        "bubbles": chat.bubbles(who["openid"]),
        "mails": mails,
        "unread": sum(not one["opened"] for one in mails),
        "buttons": people.buttons(account)[:3],
        "done": {row[0] for row in store.rows("select distinct kind from act where openid = ?", who["openid"])},
        "scenes": people.scenes(account),
        "others": store.rows(
            "select * from person where played = 1 and openid != ? order by created_real desc limit 12", who["openid"]
        ),
        "weibo": weibo.shown(who),
        "now": now,
        "today": date_format(now, "MONTH_DAY_FORMAT"),
        "ahead": _ahead(),
        "script": script.state(who, product),
        "shoe": _next_shoe(who),
        "faults": faults.current(),
        "product_url": settings.PRODUCT_URL,
        "customer_page": FEED.page,
    }


def _next_shoe(who: Any) -> Any:
    seen = store.value("select count(*) from shop_view where openid = ?", who["openid"])
    return SHOES[seen % len(SHOES)]


def _ahead() -> dict[str, float]:
    """The clock's shift as days, hours and minutes."""
    minutes = round(clock.offset().total_seconds() / 60)
    return {"days": minutes // 1440, "hours": minutes % 1440 // 60, "minutes": minutes % 60} if minutes else {}


def code(request: HttpRequest, scene: str) -> HttpResponse:
    """The address in a QR code: opening it is not yet scanning it; the page offers the scan with this code chosen."""
    answer = redirect("phone")
    answer["Location"] += "?" + urlencode({"scene": scene})
    return answer


def accounts(request: HttpRequest) -> HttpResponse:
    """Connect an account by hand (what one types at the platform's own settings page), and the fault switches."""
    known = store.rows("select * from account order by at_real desc")
    return render(
        request,
        "sandbox/accounts.html",
        {
            "accounts": known,
            "shop": store.row("select * from shop"),
            "faults": faults.current(),
            "switches": _switches(),
            "example": f"{settings.PRODUCT_URL}/in/wechat_oa/…/",
            "api_url": settings.PUBLIC_URL,
            "smtp": f"127.0.0.1:{settings.SMTP_PORT}",
        },
    )


def _switches() -> list[dict[str, Any]]:
    now = faults.current()
    return [
        {"name": name, "text": faults.LABELS[name], "on": now.get(name), "seconds": name in faults.SECONDS}
        for name in faults.LABELS
    ]


def media(request: HttpRequest, media_id: str) -> HttpResponse:
    found = store.row("select * from media where media_id = ? and kind in ('image', 'thumb')", media_id)
    if found is None or found["mime"] not in {"image/png", "image/jpeg", "image/gif", "image/webp"}:
        raise Http404
    return HttpResponse(found["content"], content_type=found["mime"])


def note(data: dict[str, Any]) -> dict[str, Any]:
    """The phone noticed: ``open`` (a link), ``email`` (typed in the shop), ``browser`` (the tracker's id) or ``script:<step>``."""
    who = people.current()
    kind, detail = str(data.get("kind", "")), str(data.get("detail", ""))[:300]
    if who is None:
        return {}
    if kind == "browser":
        if store.setting(f"browser:{who['openid']}") != detail:
            store.keep_setting(f"browser:{who['openid']}", detail)
    elif kind in NOTES or kind.startswith("script:"):
        people.note(who["openid"], kind, detail)
    else:
        raise setup.BadSetup(f"unknown note {kind!r}")
    FEED.hurry()
    return {}


def play(data: dict[str, Any]) -> dict[str, Any]:
    """An act of the current customer from the page; waits a moment for the callback, so that the page can show it at once."""
    who = people.current()
    if who is None:
        raise setup.BadSetup("no account yet")
    given = {name: value for name, value in data.items() if name != "kind"}
    number = people.act(who["openid"], str(data.get("kind", "")), **given)
    if number:
        outbox.wait_for(number, 1.0)
    FEED.hurry()
    return {}


def turn_clock(data: dict[str, Any]) -> dict[str, Any]:
    times.shift(str(data.get("shift", "")))
    who = people.current()
    if who:
        now = timezone.localtime(clock.now())
        people.note(who["openid"], "clock", f"{now:%m-%d %H:%M}")
    FEED.hurry()
    return {}


def start_over(data: dict[str, Any]) -> dict[str, Any]:
    """A fresh customer in the chapter, the clock true again, all faults off; what happened before stays in the record."""
    who = people.current()
    account = people.account_of(who["appid"]) if who else people.first_account()
    if account is None:
        raise setup.BadSetup("no account yet")
    chapter = str(data.get("chapter") or (who["chapter"] if who else "road"))
    if chapter not in script.CHAPTERS:
        raise setup.BadSetup(f"no chapter {chapter!r}")
    if not data.get("keep_clock"):
        times.back_to_real()
    store.keep_setting("faults", {})
    people.become(people.make(account, chapter=chapter)["openid"])
    return {}


def change_person(data: dict[str, Any]) -> dict[str, Any]:
    people.become(str(data.get("openid", "")))
    return {}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page for people, a plain line for machines."""
    if "text/html" not in request.headers.get("Accept", ""):
        return HttpResponse("not found\n", status=404, content_type="text/plain")
    return render(request, "sandbox/shop/not_found.html", {"categories": CATEGORIES, "page": "not_found"}, status=404)


def prefer(request: HttpRequest) -> HttpResponse:
    """Language and theme of this browser, then back to the page."""
    back = str(request.POST.get("next", ""))
    answer = redirect(back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else "/")
    if request.POST.get("language") in dict(settings.LANGUAGES):
        answer.set_cookie(settings.LANGUAGE_COOKIE_NAME, request.POST["language"], max_age=_YEAR, samesite="Lax")
    if request.POST.get("theme") in {"light", "dark"}:
        answer.set_cookie("sandbox_theme", request.POST["theme"], max_age=_YEAR, samesite="Lax")
    return answer
