"""kill -9 of everything but the database in the middle of the road, with a few hundred customers; then the sandbox's record, which
loses nothing that it acknowledged, is laid beside our database. After that, wrong input and a stopped Redis at the same stack."""

import hashlib
import os
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.road.eyes import Eyes, log_in
from tests.road.stack import PASSWORD, Running

pytestmark = [pytest.mark.browser, pytest.mark.road]
FACTS = Path(__file__).with_name("facts.py")
PEOPLE, CROWDS = 300, 3
HANDFUL = 5
"""Messages that one worker asks a platform for at a time: what may be unknown after its death."""
WELCOME = "欢迎来到山野跑步"


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("faults"), LEASE_SECONDS="12", SANDBOX_CALLBACK_RETRY_MS="2500")
    running.box.shift("10:00")
    yield running
    running.end()


def record(stack: Running, table: str, **wanted: str) -> list[dict]:
    """All rows of a table of the sandbox's record."""
    rows: list[dict] = []
    while True:
        after = rows[-1]["id"] if rows else 0
        query = "&".join(f"{name}={value}" for name, value in {**wanted, "after": after}.items())
        fresh = stack.box.get(f"/record/{table}.json?{query}")[table]
        rows += fresh
        if len(fresh) < 5000:
            return rows


def answered(stack: Running) -> dict[str, int]:
    """Callbacks by state."""
    return stack.box.get("/record/summary.json")["callbacks"]


def sends(stack: Running) -> int:
    return stack.box.get("/record/summary.json")["messages"].get("custom", 0)


def kill(stack: Running, *names: str) -> None:
    """kill -9, and see that the supervisor brings each back under another number."""
    for name in names:
        before = stack.until(lambda name=name: stack.children().get(name), 60, f"{name} runs")
        stack.kill(name)
        stack.until(
            lambda name=name, before=before: stack.children().get(name) not in {None, before}, 60, f"{name} is back"
        )


@pytest.fixture(scope="module")
def crowd(stack) -> dict[str, list[str]]:
    """Followers while processes die; every second of them answers."""
    silent, talking = [], []
    victims = [("worker",), ("web",), ("redis", "beat")]
    for number, names in zip(range(CROWDS), victims, strict=True):
        fresh = stack.box.post("/bulk/follow", {"count": PEOPLE // CROWDS, "seed": f"crowd {number}"})["openids"]
        silent += fresh[::2]
        talking += fresh[1::2]
        started = sum(answered(stack).get(state, 0) for state in ("done", "failed"))
        stack.until(lambda started=started: answered(stack).get("done", 0) >= started + 15, 60, "callbacks flow")
        kill(stack, *names)
        stack.box.post("/bulk/act", {"openids": fresh[1::2], "kind": "text", "text": "1 日常慢跑"})
        kill(stack, "welcome")
    stack.until(lambda: not answered(stack).get("pending"), 120, "the platform got an answer or gave up")
    return {"silent": silent, "talking": talking}


@pytest.fixture(scope="module")
def ask(stack, tmp_path_factory):
    """ask(openids) -> what the database says about them."""
    listed = tmp_path_factory.mktemp("asked") / "openids"

    def facts(openids: list[str]) -> dict:
        listed.write_text("\n".join(openids))
        return stack.ask(FACTS, str(listed))

    return facts


def settled(found: dict, expected: int) -> bool:
    waiting = [run for runs in found["runs"].values() for run in runs if run["late"]]
    return (
        len(found["runs"]) >= expected
        and not waiting
        and not found["deliveries"].get("pending")
        and not found["consumers"]["waiting"]
        and all(
            row["state"] not in {"queued", "leased", "attempting", "held"}
            for rows in found["messages"].values()
            for row in rows
        )
    )


def until_settled(stack: Running, ask, openids: list[str], expected: int, seconds: float = 120) -> dict:
    deadline = time.monotonic() + seconds
    while not settled(found := ask(openids), expected):
        assert time.monotonic() < deadline, f"stuck: {stuck(found)}"
        time.sleep(1)
    return found


def stuck(found: dict) -> str:
    states = Counter(row["state"] for rows in found["messages"].values() for row in rows)
    late = [run for runs in found["runs"].values() for run in runs if run["late"]]
    return f"{len(found['runs'])} entered, late {late[:3]}, messages {states}, deliveries {found['deliveries']}, {found['consumers']}"


def test_nobody_is_lost_or_doubled_on_the_way_in(stack, crowd, ask):
    everybody = crowd["silent"] + crowd["talking"]
    told = Counter((row["openid"], row["label"]) for row in record(stack, "callbacks") if row["state"] == "done")
    followed = [openid for openid in everybody if told[openid, "subscribe"]]
    assert len(followed) >= PEOPLE * 0.9, "the platform gave up on many; the faults were too long to say anything"
    found = until_settled(stack, ask, everybody, len(followed))
    for openid in everybody:
        assert len(set(found["contacts"].get(openid, []))) <= 1, "one follower, one contact"
        assert found["events"].get(openid, {}).get("followed", 0) <= 1
    for openid in followed:
        assert len(found["contacts"][openid]) == 1
        assert found["events"][openid]["followed"] == 1
        assert len(found["runs"][openid]) == 1, "one follow, one enrolment"
    for openid in crowd["talking"]:
        said = told[openid, "text"]
        assert said <= found["events"].get(openid, {}).get("message_in", 0) <= 1
    assert not found["poison"] and not found["deliveries"].get("dead")


def test_everybody_gets_the_final_word_once(stack, crowd, ask):
    everybody = crowd["silent"] + crowd["talking"]
    stack.box.shift("+30m")
    for seen, names in ((10, ("sender",)), (30, ("worker",)), (60, ("redis",)), (80, ("web", "sender"))):
        stack.until(lambda seen=seen: sends(stack) >= seen, 120, f"{seen} messages are out")
        kill(stack, *names)
    found = until_settled(stack, ask, everybody, 0)
    phones = Counter(
        row["openid"]
        for row in record(stack, "messages")
        if row["via"] == "custom" and WELCOME in row["body"]["content"]
    )
    unknown = []
    for openid in everybody:
        runs = found["runs"].get(openid, [])
        if not runs:
            continue
        assert len(runs) == 1
        rows = [row for row in found["messages"].get(openid, []) if row["key"].endswith(":s2:1")]
        assert len(rows) == 1, f"exactly one welcome outcome, not {rows}"
        state = rows[0]["state"]
        if state == "unknown":
            unknown.append(openid)
            assert phones[openid] <= 1
        elif state == "sent":
            assert phones[openid] == 1, "the ledger says sent, the phone says otherwise"
            assert found["events"][openid]["message_sent"] == 1 and runs[0]["state"] == "done"
        else:
            assert (state, rows[0]["reason"]) == ("suppressed", "window_closed")
            assert openid in crowd["silent"] or not found["events"][openid].get("message_in")
            assert not phones[openid] and found["tagged"][openid] == 1 and runs[0]["state"] == "done"
    assert max(phones.values()) == 1, "nobody gets it twice"
    assert len(unknown) <= 2 * HANDFUL, f"{len(unknown)} unknown"
    assert not found["poison"]
    print(f"unknown: {len(unknown)} of {sum(phones.values())} sent; callbacks {answered(stack)}")


def test_it_says_that_it_is_well_again(stack, crowd):
    stack.until(lambda: stack.health().get("status") == "ok", 90, "health is ok")
    health = stack.health()
    assert all(not pump.get("error") for pump in health["pumps"].values())


def test_wrong_input_is_refused_at_the_door(stack, ask):
    before = ask([])
    door = before["door"].removeprefix(stack.url)
    moment = str(int(time.time()))
    signature = hashlib.sha1("".join(sorted(["not the token", moment, "1"])).encode()).hexdigest()
    query = f"?signature={signature}&msg_signature={signature}&timestamp={moment}&nonce=1&encrypt_type=aes"
    sealed = b"<xml><ToUserName>gh_1</ToUserName><Encrypt>AAAA</Encrypt></xml>"
    assert stack.send("POST", door + query, sealed)[0] == 403, "wrong signature"
    assert stack.send("POST", door + query, b"<xml><MsgType>text</MsgType></xml>")[0] == 403, "not encrypted"
    assert stack.send("POST", door + query, b"\x00garbage")[0] == 400
    assert stack.send("POST", door + query, b"<!DOCTYPE x [<!ENTITY a 'b'>]><xml>&a;</xml>")[0] == 400
    assert stack.send("POST", "/in/wechat_oa/nobody/", sealed)[0] == 404
    assert stack.send("POST", "/v1/track", b"{", **{"Content-Type": "application/json"})[0] in {400, 401}
    assert ask([])["deliveries"] == before["deliveries"], "nothing of it is stored"


def test_without_redis_callbacks_are_taken_and_pages_work(stack, ask):
    redis = stack.children()["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        openid = stack.box.person()
        callback = stack.box.act(openid, "follow", wait=25)
        assert callback["state"] == "done" and callback["reply"], "greeted although Redis is away"
        for path in ("/login/", "/readyz/"):
            assert stack.get(path)[0] == 200
        assert stack.health()["status"] == "degraded"
    finally:
        os.kill(redis, signal.SIGCONT)
    stack.until(lambda: "journey_entered" in stack.kinds(openid), 90, "the work went on by itself")
    stack.until(lambda: stack.health().get("status") == "ok", 90, "health is ok")


def test_40001_for_ever_breaks_the_channel_once_and_a_person_heals_it(stack, ask, browser):
    openid = stack.box.person()
    stack.box.shift("10:00")
    stack.box.act(openid, "follow")
    stack.box.act(openid, "text", text="2 越野")
    stack.until(lambda: {"journey_entered", "message_in"} <= set(stack.kinds(openid)), 60)
    stack.box.post("/setup/faults", {"token_40001": True})
    last = record(stack, "calls")[-1]["id"]
    stack.box.shift("+30m")
    found = stack.until(
        lambda: (asked := ask([openid]))["account"]["state"] == "broken" and asked, 90, "the channel is broken"
    )
    assert found["account"]["broken_reason"]
    time.sleep(1)
    calls = [row for row in record(stack, "calls") if row["id"] > last]
    assert sum("token" in row["path"] for row in calls) <= 2, "one refresh, no storm"
    assert sum("custom/send" in row["path"] for row in calls) <= 3

    stack.box.post("/setup/faults", {"token_40001": False})
    eyes = Eyes(browser)
    page = log_in(eyes, stack, "admin@shanye.example", PASSWORD)
    page.goto(f"{stack.url}/channels/{found['account']['id']}/")
    eyes.look(page, "a broken channel")
    page.get_by_role("button", name="重试").click()
    page.locator(".note.t-bad").wait_for(state="detached")
    stack.until(
        lambda: any(WELCOME in str(row["body"]) for row in stack.box.messages(openid)), 60, "what waited is sent"
    )
    eyes.close()
    eyes.expect_nothing_wrong()
