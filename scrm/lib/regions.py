"""From a region as people and platforms write it to an IANA time zone, for quiet hours of contacts whose zone is unknown."""

from functools import lru_cache

_CHINA = (
    "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏 "
    "陕西 甘肃 青海 宁夏 中国 china cn beijing tianjin hebei shanxi liaoning jilin heilongjiang shanghai jiangsu zhejiang anhui fujian "
    "jiangxi shandong henan hubei hunan guangdong guangxi hainan chongqing sichuan guizhou yunnan tibet shaanxi gansu qinghai ningxia"
).split()
_ZONES = {
    "Asia/Shanghai": _CHINA,
    "Asia/Urumqi": ["新疆", "xinjiang"],
    "Asia/Hong_Kong": ["香港", "hongkong", "hk"],
    "Asia/Macau": ["澳门", "macau", "macao", "mo"],
    "Asia/Taipei": ["台湾", "taiwan", "tw"],
    "Asia/Singapore": ["新加坡", "singapore", "sg"],
    "Asia/Tokyo": ["日本", "japan", "jp"],
    "Asia/Seoul": ["韩国", "korea", "southkorea", "kr"],
    "Asia/Kuala_Lumpur": ["马来西亚", "malaysia", "my"],
    "Asia/Bangkok": ["泰国", "thailand", "th"],
    "Asia/Ho_Chi_Minh": ["越南", "vietnam", "vn"],
    "Asia/Dubai": ["阿联酋", "unitedarabemirates", "ae"],
    "Europe/London": ["英国", "unitedkingdom", "uk", "gb"],
    "Europe/Paris": ["法国", "france", "fr"],
    "Europe/Berlin": ["德国", "germany", "de"],
    "Europe/Rome": ["意大利", "italy", "it"],
    "Pacific/Auckland": ["新西兰", "newzealand", "nz"],
}
"""Only regions that lie in one zone: guessing one of several would wake people at night."""

_SUFFIXES = ("特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市")
_BY_NAME = {name: zone for zone, names in _ZONES.items() for name in names}


@lru_cache(maxsize=4096)
def time_zone(region: str) -> str | None:
    """IANA zone of a region such as 浙江省, Zhejiang, 新疆, "United Kingdom"; None when unknown or not in one zone."""
    name = "".join(region.split()).casefold().replace("-", "")
    for suffix in _SUFFIXES:
        if len(name) > len(suffix) + 1 and name.endswith(suffix):
            name = name.removesuffix(suffix)
            break
    return _BY_NAME.get(name)
