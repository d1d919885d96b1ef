"""Readers of the event log. Each entry of settings.EVENT_CONSUMERS is the dotted path of ``consume(events) -> None``."""

from contacts.consumers.reading import EventRow, last_id, since
from contacts.consumers.running import TooManyPoison, lag, replay, rewind, run, run_all

__all__ = ["EventRow", "TooManyPoison", "lag", "last_id", "replay", "rewind", "run", "run_all", "since"]
