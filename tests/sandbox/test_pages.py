"""The phone page, its live parts, the script's state, the mailbox and the shop."""

import json
import smtplib
import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
import requests

from tests.fixtures_sandbox import OA


@pytest.fixture
def who(sandbox, oa):
    """The current customer's openid."""
    return current(sandbox)


def current(sandbox):
    return requests.get(f"{sandbox.url}/live", params={"v": ""}, timeout=10).json()["openid"]


def parts(sandbox, **cookies):
    return {
        name: part["html"]
        for name, part in requests.get(f"{sandbox.url}/live", cookies=cookies, timeout=10).json()["parts"].items()
    }


def page(sandbox, path, **cookies):
    answer = requests.get(sandbox.url + path, cookies=cookies, timeout=10)
    assert answer.status_code == 200
    return answer


def until(wanted, seconds=10):
    deadline = time.monotonic() + seconds
    while not wanted() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert wanted()


def send_mail(sandbox, recipient, html, **headers):
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "山野跑步 <hello@shanye.example>", recipient, "请确认"
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content("text")
    letter.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", sandbox.smtp_port, timeout=10) as smtp:
        smtp.send_message(letter)


def address(sandbox, openid):
    return sandbox.get(f"/record/people.json?openid={openid}")["people"][0]["email"]


def test_without_an_account_the_page_leads_to_the_connections(sandbox):
    answer = requests.get(sandbox.url + "/", timeout=10)
    assert answer.url == f"{sandbox.url}/accounts"
    assert page(sandbox, "/shop/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/accounts", "/shop/", "/shop/coupon/", "/shop/c/clothing/", "/shop/p/soft-flask/"]
)
def test_pages_speak_the_chosen_language_and_run_no_inline_script(sandbox, oa, path):
    chinese, english = page(sandbox, path), page(sandbox, path, sandbox_language="en")
    assert 'lang="zh-hans"' in chinese.text and 'lang="en"' in english.text
    assert "script-src 'self' http" in chinese.headers["Content-Security-Policy"]
    assert "<script>" not in chinese.text and "onclick" not in chinese.text


def test_live_is_silent_until_something_changes(sandbox, who):
    first = requests.get(f"{sandbox.url}/live", timeout=10).json()
    again = {"v": first["version"]} | {name: part["mark"] for name, part in first["parts"].items()}
    assert requests.get(f"{sandbox.url}/live", params=again, timeout=10).status_code in {204, 200}
    requests.post(f"{sandbox.url}/play", json={"kind": "follow", "scene": "shop-window"}, timeout=10)
    changed = requests.get(f"{sandbox.url}/live", params=again, timeout=10).json()
    assert {"who", "acts", "script", "log"} <= set(changed["parts"])


def test_starting_over_makes_a_fresh_customer_and_the_clock_true(sandbox, who):
    requests.post(f"{sandbox.url}/turn-clock", json={"shift": "+1d"}, timeout=10)
    assert sandbox.get("/record/summary.json")["now"] > (datetime.now(UTC) + timedelta(hours=23)).isoformat()
    requests.post(f"{sandbox.url}/start-over", json={"chapter": "night"}, timeout=10)
    fresh = current(sandbox)
    assert fresh != who
    assert sandbox.get("/record/summary.json")["now"] < (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert "21:45" in parts(sandbox, sandbox_language="en")["script"]
    requests.post(f"{sandbox.url}/change-person", json={"openid": who}, timeout=10)
    assert current(sandbox) == who


def test_only_harmless_links_of_a_message_can_be_pressed(sandbox, oa, who):
    sandbox.act(who, "follow")
    oa.message.send_text(
        who, 'a <a href="http://127.0.0.1:1/l/x?a=1&b=2">here</a> <a href="javascript:x">no</a> <b>http://h.example/p。'
    )
    chat = parts(sandbox)["chat"]
    assert '<a href="http://127.0.0.1:1/l/x?a=1&amp;b=2" data-open>here</a>' in chat
    assert '<a href="http://h.example/p" data-open>' in chat
    assert "javascript" not in chat and "&lt;b&gt;" in chat


def test_a_mail_is_shown_in_a_frame_that_runs_nothing_of_it(sandbox, who):
    send_mail(
        sandbox, address(sandbox, who), '<p>hello <a href="http://127.0.0.1:1/c/t">confirm</a></p><script>x</script>'
    )
    number = sandbox.mails(address(sandbox, who))[0]["id"]
    assert f'data-mail="{number}"' in parts(sandbox)["mails"]
    body = page(sandbox, f"/mail/{number}/body")
    policy = body.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;") and f"script-src {sandbox.url}/static/sandbox/mail.js" in policy
    assert sandbox.get(f"/mail/{number}")["one_click"] is False
    assert sandbox.mails(address(sandbox, who))[0]["opened"] == 1


def test_one_click_unsubscribe_is_a_post(sandbox, who, developer):
    send_mail(
        sandbox, address(sandbox, who), "<p>news</p>",
        List_Unsubscribe=f"<{developer.url}u>", List_Unsubscribe_Post="List-Unsubscribe=One-Click",
    )  # fmt: skip
    number = sandbox.mails(address(sandbox, who))[0]["id"]
    assert requests.post(f"{sandbox.url}/mail/{number}/unsubscribe", timeout=10).json() == {"status": 200, "done": True}
    assert developer.calls[-1][0::2] == ("POST", b"List-Unsubscribe=One-Click")


def test_the_script_follows_what_happens(sandbox, oa, who):
    def state():
        html = parts(sandbox, sandbox_language="en")["script"]
        return html.count("is-done"), html

    requests.post(f"{sandbox.url}/turn-clock", json={"shift": "10:00"}, timeout=10)
    assert state()[0] == 0
    sandbox.act(who, "follow")
    sandbox.act(who, "text", text="hi")
    assert state()[0] == 2
    oa.message.send_text(who, "welcome http://127.0.0.1:1/l/tok")
    assert state()[0] == 3 and 'data-value="http://127.0.0.1:1/l/tok"' in state()[1]
    requests.post(f"{sandbox.url}/note", json={"kind": "open", "detail": "http://127.0.0.1:1/l/tok"}, timeout=10)
    for day in range(3):
        assert f"{day} / 3" in state()[1]
        page(sandbox, "/shop/p/dawn-racer/")
        page(sandbox, "/shop/p/dawn-racer/")
        requests.post(f"{sandbox.url}/turn-clock", json={"shift": "+1d"}, timeout=10)
    assert state()[0] == 5
    requests.post(f"{sandbox.url}/note", json={"kind": "email", "detail": "Other@mail.example"}, timeout=10)
    send_mail(sandbox, "other@mail.example", '<a href="http://127.0.0.1:1/c/tok">confirm</a>')
    number = sandbox.mails("other@mail.example")[0]["id"]
    assert state()[0] == 6 and f'data-script="mail" data-value="{number}"' in state()[1]
    requests.post(f"{sandbox.url}/note", json={"kind": "open", "detail": "http://127.0.0.1:1/c/tok"}, timeout=10)
    assert state()[0] == 7
    send_mail(sandbox, "other@mail.example", "<p>20</p>")
    assert state()[0] == 8


def test_the_log_merges_the_product_under_the_act_it_belongs_to(make_sandbox, developer):
    sandbox = make_sandbox(PUBLIC_URL=developer.url.removesuffix("/in/"))
    sandbox.connect(developer.url)
    openid = current(sandbox)
    requests.post(f"{sandbox.url}/play", json={"kind": "follow"}, timeout=10)
    now = datetime.now(UTC).isoformat()
    items = [
        {
            "id": 7,
            "at": now,
            "kind": "stage_changed",
            "icon": "flag",
            "tone": "info",
            "title": "STAGE <b>",
            "url": "/contacts/1/",
        },
        {
            "id": 8,
            "at": now,
            "kind": "message_held",
            "icon": "clock",
            "tone": "t-warn",
            "title": "HELD",
            "url": "//evil.example",
        },
    ]
    developer.answer = lambda query, body: (
        (200, json.dumps({"items": [i for i in items if i["id"] > int(query["after"])], "contacts": ["/contacts/1/"]}))
        if "who" in query
        else (200, "success")
    )
    until(lambda: "HELD" in parts(sandbox)["log"])
    log = parts(sandbox)["log"]
    assert "STAGE &lt;b&gt;" in log and "evil.example" not in log
    assert log.index("ev-act") < log.index("STAGE")
    assert 'data-in="profile"' in log and 'data-in="held"' in log
    assert address(sandbox, openid) in [query.get("who") for method, query, _ in developer.calls if method == "GET"]


def test_the_shop_embeds_the_tracker_and_names_what_is_viewed(sandbox, oa):
    assert "t.js" not in page(sandbox, "/shop/").text
    sandbox.post("/setup/shop", {"write_key": "wk_1", "collector_url": "http://127.0.0.1:9"})
    product = page(sandbox, "/shop/p/cloud-trail-3/").text
    assert '<script src="http://127.0.0.1:9/t.js?k=wk_1" async></script>' in product
    assert (
        'data-sku="RS-101"' in product and 'data-category="running-shoes"' in product and 'data-price="699"' in product
    )
    assert 'data-form="coupon"' in page(sandbox, "/shop/coupon/").text
    assert requests.get(f"{sandbox.url}/shop/p/nothing/", timeout=10).status_code == 404
    with pytest.raises(AssertionError, match="write_key and collector_url"):
        sandbox.post("/setup/shop", {"write_key": "x", "collector_url": "javascript:alert(1)"})


def test_bad_setup_says_what_is_wrong(sandbox):
    for data, sentence in (
        ({}, "appid, secret and token"),
        ({**OA, "aes_key": "short"}, "43 characters"),
        ({**OA, "callback_url": "ftp://x"}, "http URL"),
    ):
        with pytest.raises(AssertionError, match=sentence):
            sandbox.post("/setup/oa", data)
    with pytest.raises(AssertionError, match="nobody has the openid"):
        sandbox.post("/act", {"openid": "x", "kind": "follow"})
    with pytest.raises(AssertionError, match="shift must be"):
        sandbox.shift("tomorrow")


def test_a_qr_code_of_the_product_can_be_scanned(sandbox, oa, who):
    sandbox.connect(
        scenes=[
            {"scene": "shop-window", "label": "橱窗二维码", "ticket": "t1"},
            {"scene": "cashier", "label": "收银台"},
        ]
    )
    assert "收银台" in parts(sandbox)["acts"]
    answer = requests.get(f"{sandbox.url}/q/cashier", timeout=10)
    assert answer.url.endswith("/?scene=cashier")
    requests.post(f"{sandbox.url}/play", json={"kind": "follow", "scene": "shop-window"}, timeout=10)
    assert "橱窗二维码" in parts(sandbox)["log"]


def test_preferences_stay_on_this_site(sandbox, oa):
    for wanted, led in (("/accounts", "/accounts"), ("//evil.example/", "/"), ("http://evil.example/", "/"), ("", "/")):
        answer = requests.post(
            f"{sandbox.url}/prefer",
            data={"next": wanted, "theme": "dark", "language": "en"},
            allow_redirects=False,
            timeout=10,
        )
        assert answer.headers["Location"] == led
        assert (answer.cookies["sandbox_theme"], answer.cookies["sandbox_language"]) == ("dark", "en")
