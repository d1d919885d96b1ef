"""What one run is told by its environment."""

import os
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    customers: int
    minutes: float
    """How long the customers walk and the nemesis strikes; settling, checking and the restored copies come on top."""
    seed: int
    lease: int
    """LEASE_SECONDS of the product: small, so that a stopped process outlives its leases within the run."""
    settle: float
    """Seconds within which everything must have come to rest after the last fault."""
    keep: bool
    restore: bool

    @classmethod
    def read(cls) -> "Options":
        told = os.environ
        return cls(
            customers=int(told.get("CHAOS_CUSTOMERS") or 2000),
            minutes=float(told.get("CHAOS_MINUTES") or 8),
            seed=int(told.get("CHAOS_SEED") or random.SystemRandom().randrange(1, 1_000_000)),
            lease=int(told.get("CHAOS_LEASE") or 15),
            settle=float(told.get("CHAOS_SETTLE") or 900),
            keep=told.get("CHAOS_KEEP") == "1",
            restore=told.get("CHAOS_RESTORE") != "0",
        )
