"""The sending windows of an Official Account, as the platform counts them."""

from datetime import datetime

import pytest
from wechatpy.exceptions import WeChatClientException

from scrm.sandbox.platform.rules import COUNT_USED, OK, WINDOW_CLOSED, Window, allowance


def code(call, *args):
    with pytest.raises(WeChatClientException) as caught:
        call(*args)
    return caught.value.errcode


@pytest.mark.parametrize(
    ("window", "now", "verdict"),
    [
        (Window(True, None, 0, None, 0), 0, (WINDOW_CLOSED, "")),
        (Window(True, None, 0, 100, 0), 160, (OK, "touch")),
        (Window(True, None, 0, 100, 0), 161, (WINDOW_CLOSED, "")),
        (Window(True, None, 0, 100, 3), 120, (COUNT_USED, "")),
        (Window(True, 0, 0, None, 0), 172_800, (OK, "message")),
        (Window(True, 0, 0, None, 0), 172_801, (WINDOW_CLOSED, "")),
        (Window(True, 0, 5, None, 0), 10, (COUNT_USED, "")),
        (Window(True, 0, 5, 5, 2), 10, (OK, "touch")),
        (Window(True, 0, 4, 5, 3), 10, (OK, "message")),
        (Window(False, 0, 0, 5, 0), 10, (WINDOW_CLOSED, "")),
    ],
)
def test_allowance(window, now, verdict):
    assert allowance(window, now) == verdict


def test_a_follow_opens_three_messages_within_a_minute(sandbox, oa):
    openid = sandbox.person()
    assert code(oa.message.send_text, openid, "too early") == 45015
    sandbox.act(openid, "follow", scene="shop-window")
    for number in range(3):
        assert oa.message.send_text(openid, f"hello {number}")["errcode"] == 0
    assert code(oa.message.send_text, openid, "one more") == 45047
    sandbox.shift("+2m")
    assert code(oa.message.send_text, openid, "later") == 45015
    assert [m["body"]["content"] for m in sandbox.messages(openid)] == ["hello 0", "hello 1", "hello 2"]


def test_a_message_opens_48_hours_and_five_messages(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    sandbox.shift("+2m")
    sandbox.act(openid, "text", text="你好")
    for number in range(4):
        oa.message.send_text(openid, f"answer {number}")
    sandbox.shift("+1d")
    oa.message.send_text(openid, "answer 4")
    assert code(oa.message.send_text, openid, "answer 5") == 45047
    sandbox.act(openid, "text", text="还在吗")
    oa.message.send_text(openid, "a new window")
    sandbox.shift("+2d")
    sandbox.shift("+1m")
    assert code(oa.message.send_text, openid, "too late") == 45015


def test_a_menu_click_is_no_message(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    sandbox.shift("+2m")
    sandbox.act(openid, "menu", key="NEW_SHOES")
    oa.message.send_text(openid, "within the minute")
    sandbox.shift("+2m")
    assert code(oa.message.send_text, openid, "after it") == 45015


def test_unfollowing_closes_everything(sandbox, oa):
    openid = sandbox.person()
    sandbox.act(openid, "follow")
    sandbox.act(openid, "text", text="hi")
    sandbox.act(openid, "unfollow")
    assert code(oa.message.send_text, openid, "gone") == 45015
    assert code(oa.message.send_template, openid, "TPL", {"first": {"value": "x"}}) == 43004
    assert oa.user.get(openid) == {"subscribe": 0, "openid": openid}


def test_followers_who_were_there_before_can_be_written_to(sandbox, oa):
    now = sandbox.get("/record/summary.json")["now"]
    said = datetime.fromisoformat(now).timestamp() - 3600
    followers = [{"openid": "oBefore1", "message_at": said}, {"openid": "oBefore2", "name": "王清", "message_at": None}]
    sandbox.connect(followers=followers)
    assert oa.message.send_text("oBefore1", "hello")["errcode"] == 0
    assert code(oa.message.send_text, "oBefore2", "hello") == 45015
    assert code(oa.message.send_text, "oNobody", "hello") == 40003
