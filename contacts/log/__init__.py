"""The event log: what is written, how, and in which order."""

from contacts.log.incoming import Appended, Handle, Incoming, Placed
from contacts.log.writing import append_own, write

__all__ = ["Appended", "Handle", "Incoming", "Placed", "append_own", "write"]
