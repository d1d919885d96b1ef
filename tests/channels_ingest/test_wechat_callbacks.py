"""The webhook on the wire: every recorded event, every bad input, faults of Redis and Postgres."""

import time
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from oa_wire import AES_KEY, APP_ID, FIXTURES, OPENID, TOKEN, signed_query

from channels_ingest import ingest
from channels_ingest.enums import BadReason, DeliveryState
from channels_ingest.models import BadInput, BadSample, Delivery, SceneCode
from contacts.models import Contact, Event, Identity
from scrm.lib import hints
from scrm.sandbox import wxcrypt

EVENTS = {
    "subscribe": [("followed", {})],
    "subscribe_scene": [("followed", {"scene": "shop-window"})],
    "unsubscribe": [("unfollowed", {})],
    "scan": [("scanned", {"scene": "shop-window"})],
    "location_event": [("location_shared", {"latitude": 30.274085, "longitude": 120.15507, "precision": "65.000000"})],
    "click": [("menu_clicked", {"type": "click", "key": "MENU_SIZE_ADVICE"})],
    "view": [("menu_clicked", {"type": "view", "key": "https://shop.example.com/new"})],
    "scancode_push": [("menu_clicked", {"type": "scan", "key": "6", "result": "SHOE-2291"})],
    "text": [("message_in", {"type": "text", "text": "42 码还有吗？"})],
    "image": [
        ("message_in", {"type": "image", "media": "media_id_image", "url": "http://mmbiz.qpic.cn/mmbiz_jpg/abc/0"})
    ],
    "voice": [("message_in", {"type": "voice", "media": "media_id_voice", "format": "amr", "text": "想买跑鞋"})],
    "video": [("message_in", {"type": "video", "media": "media_id_video", "thumb": "thumb_id"})],
    "link": [
        (
            "message_in",
            {"type": "link", "text": "越野跑鞋怎么选", "description": "一篇文章", "url": "https://example.com/a"},
        )
    ],
    "location": [
        ("message_in", {"type": "location", "text": "杭州市西湖区"}),
        ("location_shared", {"latitude": 30.274085, "longitude": 120.15507, "label": "杭州市西湖区"}),
    ],
    "template_success": [
        ("delivery_report", {"platform_id": "3021456789012345678", "status": "delivered", "machine": True})
    ],
    "template_failed": [
        (
            "delivery_report",
            {"platform_id": "3021456789012345679", "status": "failed", "detail": "failed:user block", "machine": True},
        )
    ],
    "masssend": [],
    "unknown": [],
}


def test_every_fixture_has_an_expectation():
    assert {path.stem for path in FIXTURES.glob("*.xml")} == set(EVENTS)


@pytest.mark.parametrize("name", sorted(EVENTS))
@pytest.mark.parametrize("encrypted", [True, False])
def test_callback_becomes_events(oa, call_back, fixture_xml, name, encrypted):
    if not encrypted:
        oa.settings["mode"] = "plain"
        oa.save()
    response = call_back(oa, fixture_xml(name), encrypted=encrypted)
    assert (response.status_code, response.content) == (200, b"success")
    assert Delivery.objects.get().state == DeliveryState.PENDING
    assert ingest.run_once() and not ingest.run_once()
    assert Delivery.objects.get().state == DeliveryState.DONE
    assert [(e.kind, e.properties) for e in Event.objects.order_by("id")] == EVENTS[name]
    if EVENTS[name]:
        person = Identity.objects.get()
        assert (person.kind, person.scope, person.trust) == ("openid", oa.pk, 2)


def test_unknown_event_is_kept_counted_and_answered(oa, call_back, fixture_xml):
    assert call_back(oa, fixture_xml("unknown")).content == b"success"
    ingest.run_once()
    assert Delivery.objects.get().state == DeliveryState.DONE
    assert b"card_sku_remind" in Delivery.objects.get().body
    assert BadInput.objects.get(channel=oa, reason=BadReason.UNKNOWN_EVENT).count == 1


def test_raw_body_is_sealed(oa, call_back, fixture_xml):
    call_back(oa, fixture_xml("text"))
    raw = bytes(Delivery.objects.values_list("raw", flat=True).get())
    assert OPENID.encode() not in raw and b"42" not in raw[:40]
    assert "42 码还有吗？" in Delivery.objects.get().body.decode()


def test_follow_by_scene_knows_its_source(oa, call_back, fixture_xml):
    SceneCode.objects.create(
        channel=oa, scene="shop-window", label="Shop window", ticket="t", url="http://weixin.qq.com/q/x"
    )
    call_back(oa, fixture_xml("subscribe_scene"))
    ingest.run_once()
    contact = Contact.objects.get()
    assert (contact.source_kind, contact.source_label, contact.source_account_id) == ("qr_scene", "Shop window", oa.pk)
    assert Event.objects.get().properties == {"scene": "shop-window", "label": "Shop window"}


def test_follow_is_greeted_at_once_and_the_greeting_is_on_the_timeline(oa, call_back, fixture_xml):
    oa.settings["follow_reply"] = "欢迎 ]]> 你平时跑路跑还是越野？"
    oa.save()
    response = call_back(oa, fixture_xml("subscribe"))
    outer = response.content.decode()
    cipher = outer.split("<Encrypt><![CDATA[")[1].split("]]>")[0]
    nonce = outer.split("<Nonce><![CDATA[")[1].split("]]>")[0]
    moment = outer.split("<TimeStamp>")[1].split("<")[0]
    assert wxcrypt.signature(TOKEN, moment, nonce, cipher) in outer
    from defusedxml.ElementTree import fromstring

    reply = fromstring(wxcrypt.decrypt(cipher, AES_KEY, APP_ID))
    assert reply.findtext("Content") == "欢迎 ]]> 你平时跑路跑还是越野？"
    assert reply.findtext("ToUserName") == OPENID and reply.findtext("FromUserName") == "gh_5f3a1c9d2b7e"
    ingest.run_once()
    kinds = list(Event.objects.order_by("id").values_list("kind", flat=True))
    assert kinds == ["followed", "auto_replied"]


def test_redelivery_is_answered_and_stored_once(oa, call_back, fixture_xml):
    oa.settings["follow_reply"] = "hi"
    oa.save()
    xml = fixture_xml("subscribe")
    first, second = call_back(oa, xml), call_back(oa, xml)
    assert first.status_code == second.status_code == 200 and b"Encrypt" in second.content
    assert Delivery.objects.count() == 1


def test_two_real_events_in_one_second_are_both_kept(oa, call_back, fixture_xml):
    now = int(time.time())
    call_back(oa, fixture_xml("click", at=now))
    call_back(oa, fixture_xml("click", at=now).replace("MENU_SIZE_ADVICE", "MENU_COUPON"))
    call_back(oa, fixture_xml("text", at=now))
    call_back(oa, fixture_xml("text", at=now, openid="oZkDemo_another_person_00000"))  # the same MsgId, another person
    assert Delivery.objects.count() == 4


def test_echo(oa, client):
    response = client.get(f"/in/wechat_oa/{oa.token}/?{signed_query()}&echostr=5678901234")
    assert (response.status_code, response.content) == (200, b"5678901234")
    response = client.get(f"/in/wechat_oa/{oa.token}/?{signed_query(token='other')}&echostr=1")
    assert response.status_code == 403 and response.content != b"1"
    assert BadInput.objects.get().reason == BadReason.SIGNATURE


@pytest.mark.parametrize("forged", ["other token", "signature only", "no parameters", "plain in safe mode", "stale"])
def test_wrong_signature_is_403_counted_and_nothing_is_stored(oa, client, call_back, fixture_xml, forged):
    xml = fixture_xml("text")
    if forged == "other token":
        response = call_back(oa, xml, token="other")
    elif forged == "stale":
        response = call_back(oa, xml, at=int(time.time()) - 3600)
    elif forged == "plain in safe mode":
        response = call_back(oa, xml, encrypted=False)
    else:
        cipher = wxcrypt.encrypt(xml, AES_KEY, APP_ID)
        query = signed_query() if forged == "signature only" else ""
        body = f"<xml><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
        response = client.post(f"/in/wechat_oa/{oa.token}/?{query}", data=body, content_type="text/xml")
    assert response.status_code == 403
    assert not Delivery.objects.exists() and not BadSample.objects.exists()
    bad = BadInput.objects.get()
    assert bad.count == 1 and bad.reason == (BadReason.STALE if forged == "stale" else BadReason.SIGNATURE)


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<xml><Encrypt>", BadReason.MALFORMED),
        (b"", BadReason.MALFORMED),
        (b"\x00\x01\x02", BadReason.MALFORMED),
        (b"{not json", BadReason.MALFORMED),
        (b"[" * 10, BadReason.MALFORMED),
        (BOMB.encode(), BadReason.DTD),
        (b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x"><xml/>', BadReason.DTD),
        (b"<xml>" + b"<a>" * 50 + b"</a>" * 50 + b"</xml>", BadReason.DTD),
        (b"<xml>" + b" " * (1024 * 1024) + b"</xml>", BadReason.OVERSIZED),
    ],
)
def test_bad_body_is_400_with_a_bounded_sample(oa, client, body, reason):
    for _time in range(7):
        response = client.post(f"/in/wechat_oa/{oa.token}/?{signed_query()}", data=body, content_type="text/xml")
        assert response.status_code == 400
    bad = BadInput.objects.get()
    assert (bad.reason, bad.count, bad.samples.count()) == (reason, 7, 5)
    assert len(bad.samples.first().text) <= 600
    assert not Delivery.objects.exists()


def _cipher(kind: str) -> str:
    if kind == "other key":
        return wxcrypt.encrypt("<xml/>", "0" * 42 + "1", APP_ID)
    if kind == "other app":
        return wxcrypt.encrypt("<xml/>", AES_KEY, "wxsomebodyelse")
    if kind == "dtd inside":
        return wxcrypt.encrypt(BOMB, AES_KEY, APP_ID)
    return {"not base64": "%%%", "odd length": "YWJj", "short": "YWJjZGVmZ2hpamtsbW5vcA==", "letters": "汉字"}[kind]


@pytest.mark.parametrize(
    "kind", ["not base64", "odd length", "short", "letters", "other key", "other app", "dtd inside"]
)
def test_undecryptable_is_400(oa, client, kind):
    cipher = _cipher(kind)
    body = f"<xml><Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
    url = f"/in/wechat_oa/{oa.token}/?{signed_query(encrypt=cipher)}"
    assert client.post(url, data=body.encode(), content_type="text/xml").status_code == 400
    assert BadInput.objects.get().reason == (BadReason.DTD if kind == "dtd inside" else BadReason.UNDECRYPTABLE)
    assert not Delivery.objects.exists()


def test_unknown_address_and_kind_are_404(oa, client, web):
    assert client.post("/in/wechat_oa/nothing/", data=b"x", content_type="text/xml").status_code == 404
    assert client.post(f"/in/email/{oa.token}/", data=b"x", content_type="text/xml").status_code == 404
    assert client.post(f"/in/web/{web.token}/", data=b"x", content_type="text/xml").status_code == 404
    assert not BadInput.objects.exists()


def test_accepted_with_redis_down(oa, call_back, fixture_xml, settings, django_capture_on_commit_callbacks):
    settings.HINTS = True
    settings.REDIS_URL = settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    hints._redis.cache_clear()
    try:
        with django_capture_on_commit_callbacks(execute=True):
            started = time.monotonic()
            assert call_back(oa, fixture_xml("text")).status_code == 200
        assert time.monotonic() - started < 5  # the platform's limit
    finally:
        hints._redis.cache_clear()
    assert Delivery.objects.count() == 1


def test_postgres_down_is_503_so_that_the_platform_comes_again(oa, call_back, fixture_xml, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("channels_ingest.edge.accept", away)
    assert call_back(oa, fixture_xml("text")).status_code == 503


def test_platform_time_is_kept_and_never_later_than_the_arrival(oa, call_back, fixture_xml):
    told = int(time.time()) - 120
    call_back(oa, fixture_xml("click", at=told))
    call_back(oa, fixture_xml("text", at=told + 90_000))
    ingest.run_once()
    click, text = Event.objects.order_by("id")
    assert click.occurred_at == datetime.fromtimestamp(told, UTC)
    assert abs(text.occurred_at.timestamp() - time.time()) < 60


def test_demo_follows_the_business_clock(oa, call_back, fixture_xml, settings, monkeypatch):
    from datetime import timedelta

    from scrm.lib import clock

    settings.DEMO = True
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=1))
    real = int(time.time())
    assert call_back(oa, fixture_xml("click", at=real), at=real).status_code == 200
    assert call_back(oa, fixture_xml("text", at=real + 86_400), at=real + 86_400).status_code == 200
    ingest.run_once()
    for event in Event.objects.all():
        assert abs(event.occurred_at.timestamp() - real - 86_400) < 60


def test_opening_a_page_from_the_menu_opens_no_window(oa, call_back, fixture_xml):
    call_back(oa, fixture_xml("view"))
    ingest.run_once()
    assert Identity.objects.get().last_touch_at is None
    call_back(oa, fixture_xml("click"))
    ingest.run_once()
    assert Identity.objects.get().last_touch_at is not None
