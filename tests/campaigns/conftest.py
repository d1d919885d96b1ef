import pytest

from channels_ingest.connectors import registry
from scrm.core.models import Company
from scrm.lib import clock
from tests.campaigns import world


@pytest.fixture
def company(db) -> Company:
    return Company.objects.create(
        pk=1, name="山野跑步", time_zone="Asia/Shanghai", caps={"day": 2, "week": 3, "month": 8}
    )


@pytest.fixture
def platform(monkeypatch) -> world.Platform:
    """Every connector answers as told."""
    double = world.Platform()
    for kind, connector in double.connectors().items():
        monkeypatch.setitem(registry.CONNECTORS, kind, connector)
    return double


@pytest.fixture
def noon():
    """Business time stands at 12:00 in Shanghai."""
    with clock.frozen(world.NOON):
        yield world.NOON
