"""What every walker has at hand: the sandbox, the product's public addresses, the phones' new messages, and patience."""

import base64
import json
import random
import re
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.chaos.journal import Journal
from tests.chaos.world import World

THREADS = 6
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0.50"


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


class Town:
    def __init__(self, world: World, seed: int, deadline: float) -> None:
        self.world, self.box, self.url = world, world.box, world.url
        self.rng = random.Random(f"walkers {seed}")
        self.seed, self.deadline = seed, deadline
        self.journal = Journal()
        self.keys = self._keys()
        self.undone: Counter = Counter()
        self._seen = 0
        self.phones: dict[str, list[str]] = defaultdict(list)
        """openid -> texts of our messages, as far as they were looked at."""
        self._mail_seen = 0
        self.mails: dict[str, list[int]] = defaultdict(list)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="walker")

    def _keys(self) -> dict[str, str]:
        """Write key and server key of the web site, from the sandbox's own memory of how the shop was connected."""
        rows = self.world.ask_database("select token from channels_ingest_channel where kind = 'web'")
        return {"browser": rows[0][0], "server": f"{rows[0][0]}.demo0000server0000secret000000000000000000000001"}

    @property
    def over(self) -> bool:
        return time.monotonic() > self.deadline

    def each(self, what: Callable[[Any], object], among: Iterable[Any]) -> None:
        """All of them do it, a few at a time. What cannot be done now (the sandbox says so) is left undone."""

        def one(item: Any) -> None:
            try:
                what(item)
            except (AssertionError, OSError) as error:
                self.undone[re.sub(r"http\S+|o[\w-]{27}", "", str(error))[:110].strip()] += 1

        list(self._pool.map(one, list(among)))

    def share(self, among: list, part: float) -> list:
        """A part of them, by the seed."""
        return self.rng.sample(among, round(len(among) * part))

    # At the product's public doors -------------------------------------------------------------------------------------

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
        """The status; 0 without an answer."""
        request = urllib.request.Request(
            self.url + path, data=body, method=method, headers={"User-Agent": BROWSER, **headers}
        )
        try:
            with _opener.open(request, timeout=8) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def submit(self, path: str) -> int:
        """Open a page with a form and send the form, as a browser does."""
        try:
            with _opener.open(
                urllib.request.Request(self.url + path, headers={"User-Agent": BROWSER}), timeout=8
            ) as answer:
                cookie = (answer.headers.get("Set-Cookie") or "").partition(";")[0]
                token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
        body = f"csrfmiddlewaretoken={token[1]}".encode() if token else b""
        return self.request("POST", path, body, Cookie=cookie)

    def track(self, call: str, body: dict[str, Any], word: str, *, server: bool = False) -> bool:
        """Repeat until it is answered or patience ends. ``word`` also is the message id: however often, it is one event."""
        key = self.keys["server" if server else "browser"]
        basic = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        sent = json.dumps({**body, "messageId": word}).encode()
        for attempt in range(8):
            status = self.request(
                "POST", f"/v1/{call}", sent, Authorization=basic, **{"Content-Type": "application/json"}
            )
            if self.journal.note(self.journal.calls, word, status == 200):
                return True
            time.sleep(min(0.5 * 2**attempt, 8))
        return False

    # What came ------------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read what is new on the phones and in the mailboxes."""
        for row in self._new("messages", self._seen):
            self._seen = row["id"]
            if row["outbound"] and row["via"] in {"custom", "template"}:
                self.phones[row["openid"]].append(str(row["body"].get("content", "")))
        for row in self._new("mails", self._mail_seen):
            self._mail_seen = row["id"]
            self.mails[row["recipient"]].append(row["id"])

    def _new(self, table: str, after: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            fresh = self.box.get(f"/record/{table}.json?after={rows[-1]['id'] if rows else after}")[table]
            rows += fresh
            if len(fresh) < 5000:
                return rows
