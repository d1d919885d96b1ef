"""The people at the desk: they log in, answer what is assigned to them and solve it, over the product's own pages."""

import http.cookiejar
import random
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

from tests.chaos.journal import Journal
from tests.road.stack import PASSWORD

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_VERSION = re.compile(r'name="version" value="(\d+)"')
_WAY = re.compile(r'<option value="([\w:]+)"(?: selected)?>')
_TICKET = re.compile(r'href="/service/tickets/(\d+)/"')
_TALK = re.compile(r'href="/service/inbox/(\d+)/')
PAUSE = 1.0


class Gone(Exception):
    """No answer, or one that a person would not go on with."""


class Agent(threading.Thread):
    """Works until told to stop. What could not be sent is not sent again: a person looks at the page first."""

    def __init__(self, url: str, email: str, journal: Journal, seed: int) -> None:
        super().__init__(name=email, daemon=True)
        self.url, self.email, self.journal = url, email, journal
        self.rng = random.Random(f"{email} {seed}")
        self.enough = threading.Event()
        self.did: Counter = Counter()
        self._said = 0
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self._inside = False

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                if not self._inside:
                    self._log_in()
                self._shift()
            except Gone:
                self.did["interrupted"] += 1
                self._inside = False
            self.enough.wait(PAUSE)

    def _log_in(self) -> None:
        page = self._open("/login/")
        done = self._open("/login/", csrfmiddlewaretoken=_first(_TOKEN, page), email=self.email, password=PASSWORD)
        if 'name="password"' in done:
            raise Gone
        page = self._open("/service/inbox/")
        self._open("/service/inbox/presence/", csrfmiddlewaretoken=_first(_TOKEN, page), state="online")
        self._inside = True

    def _shift(self) -> None:
        """One look at the list; each ticket of mine is answered, most are solved."""
        listed = dict.fromkeys(_TICKET.findall(self._open("/service/tickets/")))
        for number in list(listed)[:6]:
            if self.enough.is_set():
                return
            page = self._open(f"/service/tickets/{number}/")
            if f"/service/tickets/{number}/solve/" not in page:
                continue
            if f"/service/tickets/{number}/accept/" in page:
                page = self._act(number, "accept", page)
            talk = _TALK.search(page)
            if talk and self._reply(talk[1]):
                page = self._open(f"/service/tickets/{number}/")
            what = self.rng.choices(["solve", "pending", ""], [7, 2, 1])[0]
            if what and f"/service/tickets/{number}/{what}/" in page:
                self._act(number, what, page)

    def _act(self, number: str, what: str, page: str) -> str:
        answer = self._open(
            f"/service/tickets/{number}/{what}/",
            csrfmiddlewaretoken=_first(_TOKEN, page),
            version=_form_version(page, what),
        )
        self.did[what] += 1
        return answer

    def _reply(self, number: str) -> bool:
        page = self._open(f"/service/inbox/{number}/")
        box = page.partition('id="reply-form"')[2]
        ways = _WAY.findall(page.partition('name="way"')[2].partition("</select>")[0])
        if not ways:
            return False
        self._said += 1
        text = f"您好，给您添麻烦了，马上为您处理。{self.email.partition('@')[0]}{self._said}"
        form = {
            "csrfmiddlewaretoken": _first(_TOKEN, box),
            "version": _first(_VERSION, box),
            "way": ways[0],
            "text": text,
        }
        good = False
        try:
            self._open(f"/service/inbox/{number}/reply/", **form)
            good = True
        finally:
            self.journal.note(self.journal.replies, text, good)
        self.did["reply"] += 1
        return True

    def _open(self, path: str, **form: str) -> str:
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(urllib.request.Request(self.url + path, data=data), timeout=15) as answer:
                return answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            self.did[f"HTTP {error.code}"] += 1
            raise Gone from None
        except OSError:
            raise Gone from None


def _first(pattern: re.Pattern, page: str) -> str:
    if (found := pattern.search(page)) is None:
        raise Gone
    return found[1]


def _form_version(page: str, what: str) -> str:
    return _first(_VERSION, page.partition(f'/{what}/"')[2])


class Desk:
    def __init__(self, url: str, journal: Journal, seed: int) -> None:
        self.agents = [Agent(url, f"{name}@shanye.example", journal, seed) for name in ("agent", "manager")]
        for agent in self.agents:
            agent.start()

    def close(self) -> Counter:
        for agent in self.agents:
            agent.enough.set()
        for agent in self.agents:
            agent.join(40)
        done: Counter = Counter()
        for agent in self.agents:
            done += agent.did
        return done
