"""The demo's journeys, from the product's own recipes."""

from journeys.actions import create_journey, publish_draft
from journeys.recipes import RECIPES
from scrm.demo.company import Demo


def launch(demo: Demo) -> None:
    """Make and publish "Welcome" and the coupon for people who look at running shoes three days in a row."""
    wanted = {
        "welcome": (
            "欢迎新关注",
            {"welcome_content": demo.contents["welcome"].pk, "mail_content": demo.contents["welcome"].pk},
        ),
        "category_coupon": (
            "连看三天跑鞋送券",
            {"coupon_batch": demo.batch.pk, "coupon_content": demo.contents["coupon"].pk},
        ),
    }
    _publish(demo, wanted)


def launch_orders(demo: Demo) -> None:
    """What the shop's orders and carts set off. After the history: its orders were answered by the shop itself."""
    contents = demo.contents
    wanted = {
        "order_paid": ("付款感谢", {"paid_content": contents["paid"].pk}),
        "order_shipped": ("发货通知", {"shipped_content": contents["shipped"].pk}),
        "order_refunded": ("退款通知", {"refund_content": contents["refund"].pk}),
        "unpaid_cart": ("购物车一小时未付款", {"cart_content": contents["cart"].pk}),
    }
    _publish(demo, wanted)


def _publish(demo: Demo, wanted: dict[str, tuple[str, dict[str, int]]]) -> None:
    marketer = demo.users["marketer@shanye.example"]
    for recipe, (name, slots) in wanted.items():
        journey = create_journey(name=name, by=marketer, definition=RECIPES[recipe].make(**slots), recipe=recipe)
        publish_draft(journey=journey, by=marketer)
