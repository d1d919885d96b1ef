"""Callbacks to the developer's server: signed, encrypted, retried, durable; passive replies; the URL check."""

import time

from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature

from tests.fixtures_sandbox import OA

CRYPTO = WeChatCrypto(OA["token"], OA["aes_key"], OA["appid"])


def read(call):
    """wechatpy's own reading of a callback."""
    _, query, body = call
    check_signature(OA["token"], query["signature"], query["timestamp"], query["nonce"])
    return parse_message(CRYPTO.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"]))


def answering(text):
    def answer(query, body):
        message = read(("POST", query, body))
        return 200, CRYPTO.encrypt_message(create_reply(text, message).render(), query["nonce"], query["timestamp"])

    return answer


def test_the_url_is_verified_when_the_account_is_saved(sandbox, developer):
    assert sandbox.connect(developer.url, verify=True) == {"appid": OA["appid"], "verified": True, "problem": ""}
    method, query, _ = developer.calls[0]
    assert method == "GET"
    check_signature(OA["token"], query["signature"], query["timestamp"], query["nonce"])
    developer.answer = lambda query, body: (200, "no")
    assert not sandbox.connect(developer.url, verify=True)["verified"]
    assert "cannot connect" in sandbox.connect("http://127.0.0.1:9/in/", verify=True)["problem"]


def test_every_kind_of_callback_is_read_by_wechatpy(sandbox, oa, developer):
    openid = sandbox.person()
    acts = [
        ("follow", {"scene": "shop-window"}, "subscribe_scan"),
        ("scan", {"scene": "shop-window"}, "scan"),
        ("menu", {"key": "NEW_SHOES"}, "click"),
        ("menu", {"key": f"{sandbox.url}/shop/"}, "view"),
        ("report_location", {}, "location"),
        ("text", {"text": "你好 ]]> & <b>"}, "text"),
        ("image", {}, "image"),
        ("voice", {"text": "嗨"}, "voice"),
        ("link", {"url": "http://127.0.0.1/x", "title": "t"}, "link"),
        ("location", {}, "location"),
        ("unfollow", {}, "unsubscribe"),
    ]
    for kind, given, _ in acts:
        assert sandbox.act(openid, kind, **given)["state"] == "done"
    messages = [read(call) for call in developer.calls]
    assert [getattr(m, "event", m.type) for m in messages] == [name for *_, name in acts]
    assert messages[0].scene_id == "shop-window"
    assert messages[5].content == "你好 ]]> & <b>"
    assert len({m.id for m in messages[5:10]}) == 5


def test_create_time_is_business_time(sandbox, oa, developer):
    openid = sandbox.person()
    sandbox.shift("+1d")
    sandbox.act(openid, "follow")
    assert int(read(developer.calls[-1])._data["CreateTime"]) - time.time() > 86_000
    assert abs(int(developer.calls[-1][1]["timestamp"]) - time.time()) < 60


def test_passive_reply_appears_on_the_phone(sandbox, oa, developer):
    openid = sandbox.person()
    developer.answer = answering("欢迎,怎么称呼你?")
    callback = sandbox.act(openid, "follow")
    assert callback["reply"] == {"kind": "text", "body": {"content": "欢迎,怎么称呼你?"}}
    assert [(m["via"], m["body"]) for m in sandbox.messages(openid)] == [("passive", {"content": "欢迎,怎么称呼你?"})]


def test_a_failing_server_is_tried_four_times_and_the_person_is_told(sandbox, oa, developer):
    openid = sandbox.person()
    developer.answer = lambda query, body: (503, "down")
    assert sandbox.act(openid, "follow")["state"] == "failed"
    callback = sandbox.act(openid, "text", text="anyone?")
    assert (callback["state"], callback["attempts"], callback["status"]) == ("failed", 4, 503)
    assert len(developer.calls) == 8
    assert len({read(call).id for call in developer.calls[4:]}) == 1
    assert [m["kind"] for m in sandbox.messages(openid)] == ["text", "fault"]


def test_a_server_that_comes_back_gets_the_callback_once(sandbox, oa, developer):
    openid = sandbox.person()
    answers = iter([(503, ""), (200, "success")])
    developer.answer = lambda query, body: next(answers)
    callback = sandbox.act(openid, "follow")
    assert (callback["state"], callback["attempts"]) == ("done", 2)


def test_an_unencrypted_or_nonsense_reply_is_not_taken(sandbox, oa, developer):
    openid = sandbox.person()
    developer.answer = lambda query, body: (200, "<xml><MsgType>text</MsgType><Content>plain</Content></xml>")
    assert "not encrypted" in sandbox.act(openid, "follow")["note"]
    developer.answer = lambda query, body: (200, "hello")
    assert "neither success nor XML" in sandbox.act(openid, "scan")["note"]


def test_a_callback_may_come_twice(sandbox, oa, developer):
    openid = sandbox.person()
    sandbox.post("/setup/faults", {"callback_twice": 1})
    sandbox.act(openid, "follow")
    first, second = (read(call) for call in developer.calls)
    assert first._data == second._data


def test_the_outbox_survives_kill_9(make_sandbox, developer):
    sandbox = make_sandbox()
    sandbox.connect(developer.url)
    sandbox.post("/setup/faults", {"callback_hold": True})
    openids = sandbox.post("/bulk/follow", {"count": 30, "seed": "kill"})["openids"]
    sandbox.kill()
    sandbox.start()
    assert developer.calls == []
    sandbox.post("/setup/faults", {"callback_hold": False})
    deadline = time.monotonic() + 20
    while sandbox.get("/record/summary.json")["callbacks"] != {"done": 30} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert sorted(read(call).source for call in developer.calls) == sorted(openids)
    again = sandbox.post("/bulk/follow", {"count": 30, "seed": "kill"})["openids"]
    assert again == openids
