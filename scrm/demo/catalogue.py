"""What the demo company sells, as its shop tells it in events."""

PRODUCTS = [
    ("RS-101", "云径 3 缓震越野跑鞋", "running-shoes", 699),
    ("RS-102", "破晓 碳板竞速跑鞋", "running-shoes", 1099),
    ("RS-103", "日常一号 通勤慢跑鞋", "running-shoes", 459),
    ("RS-104", "山脊 中帮徒步越野鞋", "running-shoes", 829),
    ("RS-105", "轻羽 夏季透气跑鞋", "running-shoes", 389),
    ("RS-106", "夜光 反光夜跑鞋", "running-shoes", 559),
    ("CL-201", "追风 皮肤风衣", "clothing", 329),
    ("CL-202", "山羊 美利奴短袖", "clothing", 269),
    ("AC-301", "五指 越野袜 两双", "accessories", 79),
    ("AC-302", "软水壶 500 ml", "accessories", 89),
    ("AC-303", "遮阳 跑步帽", "accessories", 109),
]
"""Stock number, name, category, price in yuan."""

WEIGHTS = [9, 4, 10, 5, 7, 6, 5, 4, 8, 3, 4]


def viewed(product: tuple[str, str, str, int]) -> dict[str, object]:
    """Properties of a product view, as the tracker sends them."""
    sku, name, category, price = product
    return {"product_id": sku, "sku": sku, "name": name, "category": category, "price": price}
