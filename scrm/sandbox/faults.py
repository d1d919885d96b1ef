"""Switches that make the platforms misbehave, kept in the record so that they survive a restart.

Each is off, or ``true`` (until switched off), or a number of calls still to be hit. ``slow_before`` and ``slow_after`` are seconds.
"""

import time
from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.sandbox import store

COUNTED = {
    "token_40001": "every API call answers 40001, also with a fresh token",
    "busy": "answers -1, system busy",
    "quota": "answers 45009, quota used up",
    "garbage": "answers HTTP 200 with a page of HTML",
    "http_502": "answers HTTP 502",
    "drop_after": "does the call, then hangs up without an answer",
    "callback_twice": "delivers each callback a second time",
    "mail_later": "answers 451 to every recipient",
    "mail_refuse": "answers 550 to every recipient",
    "mail_drop": "stores the message, then hangs up without an answer",
}
SECONDS = {
    "slow_before": "waits so many seconds before doing the call",
    "slow_after": "does the call, then waits before the answer",
}
SWITCHES = {"callback_hold": "keeps callbacks back until switched off"}

LABELS = {
    "token_40001": _("Every API call answers 40001, also with a fresh token"),
    "busy": _("The platform is busy (-1)"),
    "quota": _("The quota is used up (45009)"),
    "garbage": _("Answers a page of HTML instead of JSON"),
    "http_502": _("Answers HTTP 502"),
    "slow_before": _("Waits 8 seconds before it acts"),
    "slow_after": _("Acts, then waits 8 seconds before it answers"),
    "drop_after": _("Acts, then hangs up without an answer"),
    "callback_twice": _("Delivers every callback twice"),
    "callback_hold": _("Keeps callbacks back"),
    "mail_later": _("The mail server says “later” (451)"),
    "mail_refuse": _("The mail server refuses (550)"),
    "mail_drop": _("The mail server takes the mail, then hangs up"),
}


class BadFault(ValueError):
    pass


def current() -> dict[str, Any]:
    return store.setting("faults", {})


def change(wanted: dict[str, Any]) -> dict[str, Any]:
    """Merge ``wanted`` into the switches; false, null or 0 switches off. Raises BadFault for an unknown name or value."""
    known = COUNTED | SECONDS | SWITCHES
    with store.transaction():
        faults = current()
        for name, setting in wanted.items():
            if name not in known:
                raise BadFault(f"unknown fault {name!r}; known: {', '.join(sorted(known))}")
            if not isinstance(setting, (bool, int, float, type(None))) or (setting or 0) < 0:
                raise BadFault(f"{name} must be true, false or a number")
            if setting:
                faults[name] = min(setting, 60) if name in SECONDS else setting
            else:
                faults.pop(name, None)
        store.keep_setting("faults", faults)
    return faults


def hit(name: str) -> bool:
    """Whether the fault strikes now; a counted one is used up by one."""
    with store.transaction():
        faults = current()
        left = faults.get(name)
        if not left:
            return False
        if left is not True:
            faults[name] = left - 1
            if faults[name] <= 0:
                del faults[name]
            store.keep_setting("faults", faults)
    return True


def pause(name: str) -> None:
    seconds = current().get(name)
    if seconds:
        time.sleep(float(seconds))
