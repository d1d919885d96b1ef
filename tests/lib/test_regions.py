from zoneinfo import available_timezones

import pytest

from scrm.lib import regions


@pytest.mark.parametrize(
    ("region", "zone"),
    [
        ("浙江省", "Asia/Shanghai"), ("浙江", "Asia/Shanghai"), ("新疆维吾尔自治区", "Asia/Urumqi"), ("United Kingdom", "Europe/London"),
        ("hong-kong", "Asia/Hong_Kong"), ("内蒙古自治区", "Asia/Shanghai"), ("USA", None), ("", None), ("市", None),
    ],
)  # fmt: skip
def test_region_to_zone(region: str, zone: str | None) -> None:
    assert regions.time_zone(region) == zone


def test_every_zone_exists() -> None:
    assert set(regions._ZONES) <= available_timezones()
