"""Leads: scored by rules that can be read, opened at a threshold, assigned by rule, their owners told at once."""

from contacts.leads.opening import THRESHOLD, open_by_hand, reconsider, won_by_order
from contacts.leads.reminding import lag, run

__all__ = ["THRESHOLD", "lag", "open_by_hand", "reconsider", "run", "won_by_order"]
