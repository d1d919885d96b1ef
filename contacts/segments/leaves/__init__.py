"""One file per kind of condition."""
