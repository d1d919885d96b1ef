"""What the shop sells. Prices in yuan."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

CATEGORIES = {"running-shoes": _("Running shoes"), "clothing": _("Clothing"), "accessories": _("Accessories")}


@dataclass(frozen=True)
class Product:
    sku: str
    slug: str
    name: str
    name_en: str
    category: str
    price: int
    was: int
    picture: str
    ink: str
    tint: str
    line: object
    facts: tuple[tuple[object, str], ...]


def _shoe(
    sku: str,
    slug: str,
    name: str,
    name_en: str,
    price: int,
    was: int,
    colours: tuple[str, str, str],
    line: object,
    facts,
) -> Product:  # type: ignore[no-untyped-def]
    weight, drop, stack = facts
    rows = ((_("Weight"), f"{weight} g"), (_("Drop"), f"{drop} mm"), (_("Stack"), f"{stack} mm"))
    return Product(
        sku, slug, name, name_en, "running-shoes", price, was, colours[2], colours[0], colours[1], line, rows
    )


PRODUCTS = [
    _shoe(
        "RS-101",
        "cloud-trail-3",
        "云径 3 缓震越野跑鞋",
        "Cloud Trail 3",
        699,
        799,
        ("#2f6f4f", "#e7f1ea", "trail"),
        _("Soft on stones, sure in mud. For the long way round."),
        (268, 6, 32),
    ),
    _shoe(
        "RS-102",
        "dawn-racer",
        "破晓 碳板竞速跑鞋",
        "Dawn Racer",
        1099,
        1299,
        ("#d9572b", "#fbece5", "racer"),
        _("A carbon plate and very little else."),
        (198, 8, 38),
    ),
    _shoe(
        "RS-103",
        "daily-one",
        "日常一号 通勤慢跑鞋",
        "Daily One",
        459,
        499,
        ("#3358d4", "#e9eefb", "daily"),
        _("Ten kilometres before work, a day in the office after."),
        (245, 9, 30),
    ),
    _shoe(
        "RS-104",
        "ridge-mid",
        "山脊 中帮徒步越野鞋",
        "Ridge Mid",
        829,
        899,
        ("#7a5a2e", "#f4eee3", "trail"),
        _("Ankles held, toes free. Waterproof."),
        (342, 8, 34),
    ),
    _shoe(
        "RS-105",
        "feather-lite",
        "轻羽 夏季透气跑鞋",
        "Feather Lite",
        389,
        389,
        ("#8a4fc7", "#f2eafa", "daily"),
        _("Air goes in, air goes out."),
        (186, 6, 26),
    ),
    _shoe(
        "RS-106",
        "night-glow",
        "夜光 反光夜跑鞋",
        "Night Glow",
        559,
        659,
        ("#15807a", "#e3f3f2", "racer"),
        _("Seen from 150 metres in a car's light."),
        (232, 8, 31),
    ),
    Product(
        "CL-201",
        "wind-shell",
        "追风 皮肤风衣",
        "Wind Shell",
        "clothing",
        329,
        399,
        "jacket",
        "#2a6fb0",
        "#e6f0f8",
        _("Folds into its own pocket."),
        ((_("Weight"), "96 g"),),
    ),
    Product(
        "CL-202",
        "merino-tee",
        "山羊 美利奴短袖",
        "Merino Tee",
        "clothing",
        269,
        269,
        "tee",
        "#8c3b3b",
        "#f7e9e9",
        _("Warm when cold, cool when hot, never smells."),
        ((_("Weight"), "142 g"),),
    ),
    Product(
        "AC-301",
        "trail-socks",
        "五指 越野袜 两双",
        "Trail Socks, two pairs",
        "accessories",
        79,
        99,
        "socks",
        "#4b7a2b",
        "#ecf3e6",
        _("No blisters, promised."),
        ((_("Height"), "18 cm"),),
    ),
    Product(
        "AC-302",
        "soft-flask",
        "软水壶 500 ml",
        "Soft Flask 500 ml",
        "accessories",
        89,
        89,
        "flask",
        "#1d7fa3",
        "#e4f2f7",
        _("Shrinks as you drink."),
        ((_("Weight"), "32 g"),),
    ),
    Product(
        "AC-303",
        "sun-cap",
        "遮阳 跑步帽",
        "Sun Cap",
        "accessories",
        109,
        139,
        "cap",
        "#b3721b",
        "#f8eedd",
        _("Dries while you run."),
        ((_("Weight"), "48 g"),),
    ),
]
BY_SLUG = {product.slug: product for product in PRODUCTS}
SHOES = [product for product in PRODUCTS if product.category == "running-shoes"]


def of_category(category: str) -> list[Product]:
    return [product for product in PRODUCTS if product.category == category]
