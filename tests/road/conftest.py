"""One running stack per file; its end is checked too (nobody is left behind)."""

from collections.abc import Iterator

import pytest

from tests.road.eyes import Eyes
from tests.road.stack import Running


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("road"))
    yield running
    running.end()


@pytest.fixture(scope="module")
def eyes(browser) -> Iterator[Eyes]:
    watching = Eyes(browser)
    yield watching
    watching.close()
