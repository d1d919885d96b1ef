"""Doors for machines: platform callbacks, the collector and the tracker's script. No session, no CSRF, no log-in."""

from collections.abc import Callable
from pathlib import Path

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from channels_ingest import collector, edge
from channels_ingest.connectors.webhook import edge as signed
from channels_ingest.connectors.wechat_oa import edge as oa
from channels_ingest.connectors.weibo import edge as weibo
from channels_ingest.edge import Refused
from channels_ingest.enums import BadReason, Kind, Trustee
from channels_ingest.models import Channel
from scrm.core.access import public

_TRACKER = Path(settings.BASE_DIR) / "static" / "js" / "tracker.js"
_script: dict[float, str] = {}


@public
@csrf_exempt
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, kind: str, token: str) -> HttpResponse:
    """A platform calls. Success is said only after the delivery is committed; without a database it is 503 (middleware)."""
    channel = Channel.objects.filter(kind=kind, token=token).first()
    receive = RECEIVERS.get(kind)
    if channel is None or receive is None:
        raise Http404
    try:
        return receive(channel, request)
    except Refused as refused:
        edge.count(channel, refused.reason, detail=refused.detail, sample=refused.sample)
        told = f"{refused.reason}: {refused.detail}" if kind == Kind.WEBHOOK and refused.detail else refused.reason
        return HttpResponse(told, status=refused.status, content_type="text/plain; charset=utf-8")


def _receive_oa(channel: Channel, request: HttpRequest) -> HttpResponse:
    query = request.GET.dict()
    if request.method == "GET":
        echo = oa.echo(channel, query)
        edge.note_verified(channel)
        return HttpResponse(echo, content_type="text/plain")
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > oa.MOST_BYTES:
        raise Refused(BadReason.OVERSIZED, 400, f"{declared} bytes", request.read(2400))
    opened = oa.open_callback(channel, query, request.read(oa.MOST_BYTES + 1))
    reply = oa.follow_reply(channel, opened.message)
    edge.accept(
        channel,
        opened.text,
        trustee=Trustee.PLATFORM,
        key=opened.key,
        notes={"replied": reply} if reply else {},
    )
    if reply:
        return HttpResponse(oa.reply_xml(channel, opened, reply), content_type="application/xml; charset=utf-8")
    return HttpResponse(oa.SUCCESS, content_type="text/plain")


def _receive_weibo(channel: Channel, request: HttpRequest) -> HttpResponse:
    query = request.GET.dict()
    if request.method == "GET":
        echo = weibo.echo(channel, query)
        edge.note_verified(channel)
        return HttpResponse(echo, content_type="text/plain")
    body = request.read(weibo.MOST_BYTES + 1)
    edge.accept(channel, body, trustee=Trustee.PLATFORM, key=weibo.open_callback(channel, query, body))
    return HttpResponse("success", content_type="text/plain")


def _receive_webhook(channel: Channel, request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    body = request.read(signed.MOST_BYTES + 1)
    opened = signed.open_webhook(channel, request.headers, body)
    edge.accept(channel, body, trustee=Trustee.SERVER, key=opened.key, notes={"id": opened.id})
    return HttpResponse(status=204)


RECEIVERS: dict[str, Callable[[Channel, HttpRequest], HttpResponse]] = {
    Kind.WECHAT_OA.value: _receive_oa,
    Kind.WEIBO.value: _receive_weibo,
    Kind.WEBHOOK.value: _receive_webhook,
}


@public
@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def collect(request: HttpRequest, call: str) -> HttpResponse:
    """The Segment HTTP API: {"success": true} after the durable insert."""
    if request.method == "OPTIONS":
        response = HttpResponse(status=204)
        response["Access-Control-Allow-Methods"] = "POST, OPTIONS"
        response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, Content-Encoding"
        response["Access-Control-Max-Age"] = "86400"
        return _open_to(response, None, request)
    channel = None
    try:
        channel = collector.take(request, call)
        response = HttpResponse(b'{"success":true}', content_type="application/json")
    except Refused as refused:
        channel = refused.channel
        edge.count(channel, refused.reason, detail=refused.detail, sample=refused.sample)
        told = {"success": False, "error": str(refused.reason), "message": refused.detail}
        response = HttpResponse(orjson.dumps(told), status=refused.status, content_type="application/json")
    return _open_to(response, channel, request)


def _open_to(response: HttpResponse, channel: Channel | None, request: HttpRequest) -> HttpResponse:
    origin = request.headers.get("Origin")
    if origin:
        allowed = collector.allowed_origin(channel, origin)
        response["Access-Control-Allow-Origin"] = allowed
        if allowed != "*":
            patch_vary_headers(response, ["Origin"])
    return response


@public
@require_safe
def tracker(request: HttpRequest) -> HttpResponse:
    """``/t.js?k=<write key>``: the tracker with its key and address. The same for everybody, so caches may keep it."""
    key = request.GET.get("k", "")
    if not (key.isalnum() and key.isascii() and len(key) <= 64):
        return HttpResponse("/* add ?k=<write key> */", status=400, content_type="text/javascript")
    head = orjson.dumps({"key": key, "url": settings.PUBLIC_URL}).decode()
    response = HttpResponse(f"window.zkConfig={head};\n{_source()}", content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _source() -> str:
    """The script, read again when the file changes."""
    changed = _TRACKER.stat().st_mtime
    if changed not in _script:
        text = _TRACKER.read_text(encoding="utf-8")
        _script.clear()
        _script[changed] = text
    return _script[changed]
