"""Names and places of people who do not exist, from a seeded generator."""

import random

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN = [
    "子轩", "雨桐", "浩然", "欣怡", "宇航", "诗涵", "俊杰", "梓涵", "明远", "思琪", "嘉豪", "佳怡", "天佑", "晓雯", "志强", "静怡",
    "建国", "丽娟", "伟", "芳", "娜", "敏", "静", "磊", "强", "洋", "勇", "艳", "杰", "涛", "明", "超", "霞", "平", "刚", "玲",
    "知微", "若溪", "一鸣", "清扬", "沐辰", "语嫣", "书瑶", "逸飞", "安然", "南星", "牧之", "云帆", "晚晴", "承泽", "以宁", "照", "言", "舟",
]  # fmt: skip
ENGLISH = [
    "Emma Clark",
    "Liam Young",
    "Olivia Hall",
    "Noah King",
    "Sophia Lee",
    "James Wright",
    "Mia Scott",
    "Lucas Green",
]

CITIES = [
    ("上海", "上海", "Asia/Shanghai", 16), ("北京", "北京", "Asia/Shanghai", 14), ("杭州", "浙江", "Asia/Shanghai", 11),
    ("深圳", "广东", "Asia/Shanghai", 11), ("广州", "广东", "Asia/Shanghai", 9), ("成都", "四川", "Asia/Shanghai", 9),
    ("南京", "江苏", "Asia/Shanghai", 7), ("武汉", "湖北", "Asia/Shanghai", 6), ("西安", "陕西", "Asia/Shanghai", 5),
    ("苏州", "江苏", "Asia/Shanghai", 5), ("昆明", "云南", "Asia/Shanghai", 3), ("乌鲁木齐", "新疆", "Asia/Urumqi", 1),
    ("新加坡", "新加坡", "Asia/Singapore", 2), ("伦敦", "英国", "Europe/London", 1),
]  # fmt: skip
"""City, region, IANA zone, weight."""

WORDS = [
    "这双鞋偏大吗？", "有没有适合扁平足的？", "42 码还有货吗", "跑全马推荐哪双", "门店几点关门", "谢谢", "好的", "收到优惠券了",
    "宽脚能穿吗", "可以七天退换吗", "越野跑用哪款好", "想看看新款", "在吗", "请问怎么用券",
]  # fmt: skip


def name(chance: random.Random) -> str:
    if chance.random() < 0.01:
        return chance.choice(ENGLISH)
    return chance.choice(SURNAMES) + chance.choice(GIVEN)


def home(chance: random.Random) -> tuple[str, str, str]:
    """City, region, zone."""
    city, region, zone, _weight = chance.choices(CITIES, [row[3] for row in CITIES])[0]
    return city, region, zone


def openid(chance: random.Random) -> str:
    """28 characters as WeChat makes them."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
    return "oDemo" + "".join(chance.choice(letters) for _ in range(23))


def email(chance: random.Random, number: int) -> str:
    """Under a domain that exists nowhere but in the sandbox's mail server."""
    word = "".join(chance.choice("abcdefghijklmnoprstuvwyz") for _ in range(chance.randint(4, 8)))
    return f"{word}{number}@mail.example"
