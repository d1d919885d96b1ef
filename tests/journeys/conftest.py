import pytest

from channels_ingest.connectors import registry
from journeys import graph, live
from scrm.core.models import Company
from scrm.lib import clock
from tests.campaigns.world import Platform
from tests.journeys import world


@pytest.fixture(autouse=True)
def _fresh_index(monkeypatch):
    """The engine's caches are keyed by ids, and every test starts with the same ids."""
    graph.graph_of.cache_clear()
    monkeypatch.setattr(live, "_index", live.Index())


@pytest.fixture
def company(db) -> Company:
    return Company.objects.create(
        pk=1, name="山野跑步", time_zone="Asia/Shanghai", caps={"day": 2, "week": 3, "month": 8}
    )


@pytest.fixture
def noon():
    """Business time stands at 12:00 in Shanghai."""
    with clock.frozen(world.NOON):
        yield world.NOON


@pytest.fixture
def platform(monkeypatch) -> Platform:
    """Every connector answers as told."""
    double = Platform()
    for kind, connector in double.connectors().items():
        monkeypatch.setitem(registry.CONNECTORS, kind, connector)
    return double
