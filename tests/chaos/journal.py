"""What the customers' browsers and the shop's server did towards the product, kept by themselves: each request with how often it
was tried and whether it was answered with success."""

import threading
from dataclasses import dataclass, field


@dataclass
class Entry:
    tries: int = 0
    acked: int = 0


@dataclass
class Journal:
    calls: dict[str, Entry] = field(default_factory=dict)
    """Calls of the tracking API by the word in their properties that no other call has."""
    clicks: dict[str, Entry] = field(default_factory=dict)
    """By the path of the link."""
    confirmed: dict[str, Entry] = field(default_factory=dict)
    """Double opt-in, by address."""
    replies: dict[str, Entry] = field(default_factory=dict)
    """What agents wrote, by its text."""
    identified: dict[str, str] = field(default_factory=dict)
    """Address -> the shop's user id that was told with it, answered with success."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, book: dict[str, Entry], key: str, good: bool) -> bool:
        with self.lock:
            entry = book.setdefault(key, Entry())
            entry.tries += 1
            entry.acked += good
        return good
