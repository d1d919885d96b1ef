import pytest

from channels_ingest.connectors import registry
from channels_ingest.connectors.base import Connector
from contacts.enums import ChannelKind, IdentityKind
from scrm.core.models import Company
from tests.campaigns import world


@pytest.fixture
def company(db) -> Company:
    return Company.objects.create(pk=1, name="山野跑步", time_zone="Asia/Shanghai")


@pytest.fixture
def platform(monkeypatch) -> world.Platform:
    """Every connector answers as told; Weibo too."""
    double = world.Platform()
    connectors = double.connectors()
    connectors["weibo"] = Connector("weibo", ChannelKind.WEIBO, IdentityKind.WEIBO_UID, object, open=double.open)
    for kind, connector in connectors.items():
        monkeypatch.setitem(registry.CONNECTORS, kind, connector)
    return double


@pytest.fixture
def oa(company, platform):
    return world.account("wechat_oa")


@pytest.fixture
def weibo(company, platform):
    return world.account("weibo")
