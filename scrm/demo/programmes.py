"""The demo's journeys, from the product's own recipes."""

from journeys.actions import create_journey, publish_draft
from journeys.recipes import RECIPES
from scrm.demo.company import Demo


def launch(demo: Demo) -> None:
    """Make and publish "Welcome" and the coupon for people who look at running shoes three days in a row."""
    marketer = demo.users["marketer@shanye.example"]
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
    for recipe, (name, slots) in wanted.items():
        journey = create_journey(name=name, by=marketer, definition=RECIPES[recipe].make(**slots), recipe=recipe)
        publish_draft(journey=journey, by=marketer)
