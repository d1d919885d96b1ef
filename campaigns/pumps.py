"""Background work of the campaigns room (scrm.core.pumps)."""
