"""wechatpy's own client against the sandbox, and the platform's error codes."""

import io
import time

import pytest
import requests
from wechatpy.exceptions import APILimitedException, WeChatClientException

from tests.fixtures_sandbox import OA
from tests.sandbox.doubles import RedirectedClient
from tests.sandbox.test_rules import code


def test_token_errors(sandbox, oa):
    def token(**given):
        wanted = {"grant_type": "client_credential", "appid": OA["appid"], "secret": OA["secret"]} | given
        return requests.get(f"{sandbox.url}/cgi-bin/token", params=wanted, timeout=5).json()

    assert token()["expires_in"] == 7200
    assert token(appid="wxnobody")["errcode"] == 40013
    assert token(secret="wrong")["errcode"] == 40125
    assert token(grant_type="x")["errcode"] == 40002
    assert token(appid="")["errcode"] == 41002


def test_stable_token_stays_until_forced(sandbox, oa):
    def token(**more):
        data = {"grant_type": "client_credential", "appid": OA["appid"], "secret": OA["secret"], **more}
        return requests.post(f"{sandbox.url}/cgi-bin/stable_token", json=data, timeout=5).json()["access_token"]

    first = token()
    assert token() == first
    second = token(force_refresh=True)
    assert second != first
    assert code(RedirectedClient(sandbox.url, access_token=first).user.get_followers) == 40001
    assert RedirectedClient(sandbox.url, access_token=second).user.get_followers()["total"] == 0


def test_followers_and_their_profile(sandbox, oa):
    one, two = sandbox.person(), sandbox.person()
    sandbox.act(one, "follow", scene="shop-window")
    sandbox.act(two, "follow", scene="")
    assert set(oa.user.iter_followers()) == {one, two}
    profile = oa.user.get(one)
    assert (profile["subscribe"], profile["qr_scene_str"], profile["subscribe_scene"]) == (
        1,
        "shop-window",
        "ADD_SCENE_QR_CODE",
    )
    assert "nickname" not in profile
    assert [p["openid"] for p in oa.user.get_batch([one, two])] == [one, two]
    assert code(oa.user.get, "nobody") == 40003


def test_qr_code_with_a_scene(sandbox, oa):
    made = oa.qrcode.create({"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "booth_7"}}})
    again = oa.qrcode.create({"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "booth_7"}}})
    assert made == again
    picture = requests.get(f"{sandbox.url}/cgi-bin/showqrcode", params={"ticket": made["ticket"]}, timeout=5)
    assert picture.content.startswith(b"\x89PNG")
    openid = sandbox.person()
    xml = sandbox.act(openid, "follow", scene="booth_7")["xml"]
    assert "qrscene_booth_7" in xml and made["ticket"] in xml
    assert "<![CDATA[SCAN]]>" in sandbox.act(openid, "scan", scene="booth_7")["xml"]
    assert code(oa.qrcode.create, {"action_name": "NONE"}) == 40053


def test_media_comes_back_and_can_be_sent(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    media = oa.media.upload("image", ("shoe.png", io.BytesIO(b"\x89PNG picture"), "image/png"))
    assert oa.media.download(media["media_id"]).content == b"\x89PNG picture"
    assert oa.message.send_image(openid, media["media_id"])["errcode"] == 0
    assert code(oa.message.send_image, openid, "nothing") == 40007


def test_kinds_of_messages(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    sandbox.act(openid, "text", text="hi")
    oa.message.send_articles(openid, [{"title": "新款", "description": "轻", "image": "", "url": "http://127.0.0.1/x"}])
    menu = {"head_content": "满意吗?", "list": [{"id": "1", "content": "满意"}], "tail_content": "谢谢"}
    oa.post("message/custom/send", data={"touser": openid, "msgtype": "msgmenu", "msgmenu": menu})
    page = {"title": "t", "appid": "wx9", "pagepath": "pages/a", "thumb_media_id": "m"}
    oa.post("message/custom/send", data={"touser": openid, "msgtype": "miniprogrampage", "miniprogrampage": page})
    assert [m["kind"] for m in sandbox.messages(openid)] == ["text", "news", "msgmenu", "miniprogrampage"]
    assert code(oa.message.send_text, openid, "") == 44004
    assert code(oa.message.send_text, openid, "长" * 700) == 45002
    assert code(oa.message.send_text, "o" + "x" * 27, "hello") == 40003


def test_template_message_reports_its_delivery(sandbox, oa, developer):
    openid = sandbox.person()
    sandbox.act(openid, "follow", wait=10)
    answer = oa.message.send_template(openid, "TPL_SHIPPED", {"first": {"value": "已发货"}}, url="http://127.0.0.1/o/1")
    assert answer["msgid"] == sandbox.messages(openid)[0]["id"]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        last = sandbox.get(f"/record/callbacks.json?openid={openid}")["callbacks"][-1]
        if last["label"] == "TEMPLATESENDJOBFINISH" and last["state"] == "done":
            break
        time.sleep(0.1)
    assert f"<MsgID>{answer['msgid']}</MsgID><Status><![CDATA[success]]></Status>" in last["xml"]


def test_faults(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    sandbox.post("/setup/faults", {"busy": 2})
    assert [code(oa.message.send_text, openid, "x"), code(oa.message.send_text, openid, "x")] == [-1, -1]
    oa.message.send_text(openid, "third time lucky")
    sandbox.post("/setup/faults", {"token_40001": True})
    assert code(oa.message.send_text, openid, "x") == 40001
    sandbox.post("/setup/faults", {"token_40001": False, "quota": 1})
    with pytest.raises(APILimitedException):
        oa.message.send_text(openid, "x")
    sandbox.post("/setup/faults", {"http_502": 1})
    with pytest.raises(WeChatClientException):
        oa.message.send_text(openid, "x")
    sandbox.post("/setup/faults", {"garbage": 1})
    assert b"<!doctype html>" in oa.message.send_text(openid, "x").content
    sandbox.post("/setup/faults", {"drop_after": 1})
    with pytest.raises(requests.ConnectionError):
        oa.message.send_text(openid, "sent, but nobody knows")
    assert [m["body"]["content"] for m in sandbox.messages(openid)] == ["third time lucky", "sent, but nobody knows"]
    with pytest.raises(AssertionError, match="unknown fault"):
        sandbox.post("/setup/faults", {"earthquake": True})


def test_only_loopback_names_and_no_foreign_pages(sandbox):
    assert (
        requests.get(sandbox.url + "/record/summary.json", headers={"Host": "evil.example"}, timeout=5).status_code
        == 421
    )
    assert (
        requests.post(
            sandbox.url + "/setup/reset", json={}, headers={"Origin": "http://evil.example"}, timeout=5
        ).status_code
        == 403
    )
