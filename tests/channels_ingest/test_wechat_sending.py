"""Sending by an Official Account, against a scripted platform on loopback."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from channels_ingest import actions
from channels_ingest.connectors.base import ConnectorError, Rendered
from channels_ingest.connectors.registry import CONNECTORS
from channels_ingest.connectors.wechat_oa import outbound, tokens
from channels_ingest.enums import State
from channels_ingest.models import Channel, ChannelToken, Quota
from scrm.core.models import Notification

SEND, TEMPLATE, TOKEN_CALL = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send", "/cgi-bin/stable_token"
TEXT = Rendered("text", text="你好 <小雨>")


def send(channel, rendered=TEXT, key="k1"):
    with CONNECTORS["wechat_oa"].open(channel) as link:
        return link.send("oUser", rendered, key)


@pytest.mark.parametrize(
    ("rendered", "path", "body"),
    [
        (TEXT, SEND, {"msgtype": "text", "text": {"content": "你好 <小雨>"}}),
        (
            Rendered("link", data={"title": "T", "description": "D", "url": "https://a", "picture": "https://p"}),
            SEND,
            {
                "msgtype": "news",
                "news": {"articles": [{"title": "T", "description": "D", "url": "https://a", "picurl": "https://p"}]},
            },
        ),
        (Rendered("image", data={"media_id": "M"}), SEND, {"msgtype": "image", "image": {"media_id": "M"}}),
        (
            Rendered("mini", data={"title": "T", "appid": "wxm", "path": "p", "picture_media_id": "M"}),
            SEND,
            {
                "msgtype": "miniprogrampage",
                "miniprogrampage": {"title": "T", "appid": "wxm", "pagepath": "p", "thumb_media_id": "M"},
            },
        ),
    ],
)
def test_kinds_on_the_wire(oa, platform, rendered, path, body):
    platform.answers[SEND] = [{"errcode": 0, "errmsg": "ok", "msgid": 7}]
    assert send(oa, rendered).platform_id == "7"
    called, full, sent = platform.calls[-1]
    assert called == path and sent == {"touser": "oUser", **body} and "access_token=T1" in full
    assert Quota.objects.get(call="message/custom/send").used == 1


def test_template_carries_our_key(oa, platform):
    rendered = Rendered(
        "template", data={"template_id": "TT", "url": "https://a", "fields": {"thing1": "跑鞋", "n": 3}}
    )
    send(oa, rendered, "same")
    send(oa, rendered, "same")
    one, two = (call[2] for call in platform.calls if call[0] == TEMPLATE)
    assert one == two and len(one["client_msg_id"]) == 32
    assert one["data"] == {"thing1": {"value": "跑鞋"}, "n": {"value": "3"}}


def test_chinese_is_not_escaped_and_the_token_is_fetched_once(oa, platform):
    for number in range(5):
        send(oa, key=str(number))
    assert platform.count(TOKEN_CALL) == 1 and platform.count(SEND) == 5
    assert platform.calls[0][2] == {
        "grant_type": "client_credential",
        "appid": oa.settings["app_id"],
        "secret": "s3cret",
        "force_refresh": False,
    }
    assert b"T1" not in bytes(ChannelToken.objects.get().value)


def test_a_token_near_its_end_is_renewed(oa, platform):
    send(oa)
    ChannelToken.objects.update(expires_at=timezone.now() + timedelta(minutes=4))
    send(oa)
    assert platform.count(TOKEN_CALL) == 2
    assert platform.calls[-2][2]["force_refresh"] is False


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_replaced_once_and_the_message_goes(oa, platform, code):
    platform.answers[TOKEN_CALL] = [
        {"access_token": "T1", "expires_in": 7200},
        {"access_token": "T2", "expires_in": 7200},
    ]
    platform.answers[SEND] = [{"errcode": code, "errmsg": "x"}, {"errcode": 0, "errmsg": "ok"}]
    send(oa)
    assert platform.count(TOKEN_CALL) == 2 and platform.calls[-2][2]["force_refresh"] is True
    assert "access_token=T2" in platform.calls[-1][1]


def test_refused_for_ever_is_one_refresh_then_broken_and_no_storm(oa, platform, admin):
    answers = iter(range(2, 1000))
    platform.answers[TOKEN_CALL] = [lambda handler: {"access_token": f"T{next(answers)}", "expires_in": 7200}]
    platform.answers[SEND] = [{"errcode": 40001, "errmsg": "invalid credential"}]
    for number in range(30):
        with pytest.raises(ConnectorError) as caught:
            send(oa, key=str(number))
        assert caught.value.channel_broken and not caught.value.permanent
        actions.mark_broken(oa, caught.value.reason)
    assert platform.count(TOKEN_CALL) == 2 and platform.count(SEND) == 2
    oa.refresh_from_db()
    assert oa.state == State.BROKEN and "access token" in oa.broken_reason
    assert Notification.objects.filter(user=admin).count() == 1

    platform.answers[SEND] = [{"errcode": 0, "errmsg": "ok"}]
    actions.resume_channel(oa, by=admin)
    oa.refresh_from_db()
    assert (oa.state, oa.broken_reason) == (State.ACTIVE, "")
    send(oa)
    assert platform.count(TOKEN_CALL) == 3


def test_who_comes_second_uses_the_first_ones_token(oa, platform):
    send(oa)
    platform.answers[TOKEN_CALL] = [{"access_token": "T2", "expires_in": 7200}]
    assert tokens.replace(oa, "T1") == "T2"
    assert tokens.replace(oa, "T1") == "T2"  # another worker, the same refused token
    assert platform.count(TOKEN_CALL) == 2


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        (40003, {"permanent": True, "address_gone": True}),
        (43004, {"permanent": True, "address_gone": True}),
        (45015, {"permanent": True, "window_closed": True}),
        (45047, {"permanent": True, "window_closed": True}),
        (45002, {"permanent": True}),
        (40164, {"channel_broken": True}),
        (48001, {"channel_broken": True}),
        (-1, {"later": True}),
        (45011, {"later": True}),
        (45009, {"later": True}),
        (99999, {"permanent": True}),
    ],
)
def test_codes(oa, platform, code, flags):
    platform.answers[SEND] = [{"errcode": code, "errmsg": "words that nobody reads"}]
    with pytest.raises(ConnectorError) as caught:
        send(oa)
    error = caught.value
    assert error.code == str(code)
    found = {
        name: True
        for name in ("permanent", "address_gone", "window_closed", "channel_broken", "unknown")
        if getattr(error, name)
    }
    assert found | ({"later": True} if error.retry_at else {}) == flags
    assert platform.count(TOKEN_CALL) == 1 and platform.count(SEND) == 1


def test_a_used_up_quota_is_not_asked_again_before_its_reset(oa, platform):
    platform.answers[SEND] = [{"errcode": 45009, "errmsg": "x"}]
    for _time in range(3):
        with pytest.raises(ConnectorError) as caught:
            send(oa)
    assert platform.count(SEND) == 1
    local = caught.value.retry_at.astimezone(outbound.quota_reset().tzinfo)
    assert (local.hour, local.minute) == (0, 1)


@pytest.mark.parametrize("answer", [None, 500, 502])
def test_no_readable_answer_to_a_message_is_unknown(oa, platform, answer):
    platform.answers[SEND] = [answer]
    with pytest.raises(ConnectorError) as caught:
        send(oa)
    assert caught.value.unknown and not caught.value.permanent


def test_no_answer_to_what_may_be_repeated_is_only_later(oa, platform):
    platform.answers[TEMPLATE] = [None]
    with pytest.raises(ConnectorError) as caught:
        send(oa, Rendered("template", data={"template_id": "T"}))
    assert not caught.value.unknown and caught.value.retry_at


def test_a_time_out_after_the_request_is_unknown(oa, platform, monkeypatch):
    import time

    monkeypatch.setattr(outbound, "_TIMEOUT_SECONDS", (1.0, 0.2))
    platform.answers[SEND] = [lambda handler: time.sleep(0.6) or {"errcode": 0}]
    with pytest.raises(ConnectorError) as caught:
        send(oa)
    assert caught.value.unknown


def test_no_connection_is_later_and_not_unknown(oa, settings):
    ChannelToken.objects.create(
        channel=oa, value=tokens.crypto.seal("T", "channel token"), expires_at=timezone.now() + timedelta(hours=1)
    )
    settings.WECHAT_API_URL = "http://127.0.0.1:1"
    with pytest.raises(ConnectorError) as caught:
        send(oa)
    assert caught.value.retry_at and not caught.value.unknown and not caught.value.channel_broken


@pytest.mark.parametrize(("code", "broken"), [(40125, True), (40013, True), (40001, True), (-1, False), (45009, False)])
def test_a_token_that_is_not_given(oa, platform, code, broken):
    platform.answers[TOKEN_CALL] = [{"errcode": code, "errmsg": "x"}]
    with pytest.raises(ConnectorError) as caught:
        send(oa)
    assert caught.value.channel_broken is broken and platform.count(SEND) == 0


def test_kind_that_the_platform_cannot_carry(oa, platform):
    with pytest.raises(ConnectorError) as caught:
        send(oa, Rendered("email", text="x"))
    assert caught.value.permanent


def test_scene_code_and_person(oa, platform, admin):
    platform.answers["/cgi-bin/qrcode/create"] = [{"ticket": "TICKET", "url": "http://weixin.qq.com/q/abc"}]
    code = actions.create_scene_code(oa, label="Shop window", scene="shop-window", by=admin)
    assert (code.ticket, code.url) == ("TICKET", "http://weixin.qq.com/q/abc")
    assert platform.calls[-1][2] == {
        "action_name": "QR_LIMIT_STR_SCENE",
        "action_info": {"scene": {"scene_str": "shop-window"}},
    }
    platform.answers["/cgi-bin/user/info"] = [{"subscribe": 1, "openid": "oUser", "unionid": "u"}]
    with outbound.open_link(oa) as link:
        assert link.person("oUser")["unionid"] == "u"


def test_check_is_a_real_call(oa, platform, admin):
    platform.answers["/cgi-bin/user/get"] = [{"total": 12, "count": 0}]
    assert actions.check_channel(oa, by=admin) == (True, "12", "")
    platform.answers["/cgi-bin/user/get"] = [{"errcode": 40164, "errmsg": "x"}]
    worked, reason, code = actions.check_channel(oa, by=admin)
    assert not worked and "white list" in reason and code == "40164"
    assert Channel.objects.get(pk=oa.pk).state == State.BROKEN


def test_body_is_utf8_json(oa, platform):
    send(oa)
    assert "你好" in json.dumps(platform.calls[-1][2], ensure_ascii=False)
