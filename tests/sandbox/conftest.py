from collections.abc import Iterator

import pytest

from tests.fixtures_sandbox import Sandbox
from tests.sandbox.doubles import Developer, RedirectedClient


@pytest.fixture
def developer() -> Iterator[Developer]:
    one = Developer()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def oa(sandbox: Sandbox, developer: Developer) -> RedirectedClient:
    """wechatpy's client of the test account, whose callbacks go to ``developer``."""
    sandbox.connect(developer.url)
    return RedirectedClient(sandbox.url)
