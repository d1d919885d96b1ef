"""What the product says it did (its demo-only log), fetched by one thread while somebody watches, so no page waits for it.

``GET {product}/demo/log.json?who=<handle>&who=...&after=<id>&lang=<language>`` answers ``{"items": [...], "contacts": [address of
the customer's page]}``; an item is ``{id, at, kind, icon, tone, channel, title, detail, url, badge}``, ``at`` is business time
in ISO 8601.
"""

import logging
import threading
import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import translation

from scrm.lib import http

_log = logging.getLogger(__name__)
_WATCHED_SECONDS, _PAUSE_SECONDS, _AWAY_SECONDS = 5.0, 0.7, 4.0
_MOST = 600


class Feed(threading.Thread):
    """The log of the handles that were asked for last."""

    def __init__(self) -> None:
        super().__init__(name="feed", daemon=True)
        self._wanted: tuple[tuple[str, ...], str] = ((), "")
        self._watched_until = 0.0
        self._look = threading.Event()
        self._have: tuple[tuple[str, ...], str] = ((), "")
        self._items: list[dict[str, Any]] = []
        self.version, self.reachable = 0, False
        self.page = ""
        """Where the product shows this customer."""

    def items(self, handles: tuple[str, ...]) -> list[dict[str, Any]]:
        """What is known now, oldest first; asking keeps the thread looking."""
        self._wanted = (handles, translation.get_language() or "")
        self._watched_until = time.monotonic() + _WATCHED_SECONDS
        self._look.set()
        return list(self._items) if self._is_same_person(self._wanted) else []

    def _is_same_person(self, wanted: tuple[tuple[str, ...], str]) -> bool:
        """The customer got one more handle (an address, a browser): what is known of them stays until more is."""
        return self._have[1] == wanted[1] and (self._have[0] == wanted[0] or bool({*self._have[0]} & {*wanted[0]}))

    def hurry(self) -> None:
        self._look.set()

    def run(self) -> None:
        while True:
            self._look.wait()
            self._look.clear()
            if time.monotonic() > self._watched_until or not self._wanted[0]:
                continue
            try:
                self._fetch()
            except Exception:
                _log.exception("demo log")
            time.sleep(_PAUSE_SECONDS if self.reachable else _AWAY_SECONDS)

    def _fetch(self) -> None:
        wanted = handles, language = self._wanted
        fresh = wanted != self._have
        after = 0 if fresh or not self._items else self._items[-1]["id"]
        query = urlencode([*(("who", handle) for handle in handles), ("after", after), ("lang", language)])
        try:
            answer = http.request("GET", f"{settings.PRODUCT_URL}/demo/log.json?{query}", timeout=3)
            found = answer.json() if answer.status == 200 else None
        except http.HttpFailed:
            found = None
        items = found.get("items") if isinstance(found, dict) else found
        pages = found.get("contacts") if isinstance(found, dict) else None
        page = str(pages[0]) if isinstance(pages, list) and pages else ""
        reachable = isinstance(items, list)
        if not reachable and self._is_same_person(wanted):
            self.version += reachable != self.reachable
            self.reachable = False
            return
        good = [item for item in items or [] if isinstance(item, dict) and "id" in item and item.get("title")]
        if fresh or good or reachable != self.reachable or page != self.page:
            kept = [] if fresh else self._items
            known = {item["id"] for item in kept}
            self._items = (kept + [item for item in good if item["id"] not in known])[-_MOST:]
            self._have, self.reachable, self.page = wanted, reachable, page
            self.version += 1


FEED = Feed()
