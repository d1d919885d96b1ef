"""Where the purchase history of CDNOW is."""

import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest


def cdnow() -> Path:
    """The file inside the installed package, which is never imported (its dependencies are dead)."""
    for found in distributions(name="lifetimes", path=[*sys.path, str(Path(sys.prefix) / "files")]):
        for file in found.files or []:
            if file.name == "CDNOW_master.txt":
                return Path(found.locate_file(file))
    pytest.fail("install requirements-files.txt: the package lifetimes holds the test data")
