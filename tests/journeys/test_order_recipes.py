"""What orders and carts set off: notices that pass quiet hours, once per order; a reminder once per unpaid cart."""

import pytest

from contacts.enums import Purpose
from journeys import actions
from journeys.models import Enrolment
from journeys.recipes import RECIPES
from tests.journeys import world
from tests.journeys.world import happens, later, person, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


@pytest.fixture
def sent(platform, company):
    """Texts that went out."""
    return lambda: [rendered.text for _address, _key, rendered in platform.sent]


@pytest.fixture
def oa(db):
    world.account("email")
    return world.account()


def publish(recipe, **slots):
    journey = actions.create_journey(name=recipe, by=None, definition=RECIPES[recipe].make(**slots))
    actions.publish_draft(journey=journey, by=None)


def test_thanks_at_night_once_per_order_with_its_number(oa, sent):
    body = "{{ order.number }}: {{ order.total }}"
    publish("order_paid", paid_content=world.written("oa", "email", purpose=Purpose.TRANSACTIONAL, body=body).pk)
    lin = person(openid=oa.pk, last_inbound_at=world.NOON)
    with later(hours=10, minutes=30):  # 22:30
        happens(lin, "order_paid", order_id="SO-1", total="99.00")
        happens(lin, "order_paid", order_id="SO-1", total="99.00")
        happens(lin, "order_paid", order_id="SO-2", total="10.00")
        settle(send=True)
        assert sorted(sent()) == ["SO-1: 99.00", "SO-2: 10.00"]


def test_parcels_and_refunds_are_told_each_once(oa, sent):
    shipped = world.written("oa", "email", purpose=Purpose.TRANSACTIONAL, body="{{ order.tracking_number }}")
    refund = world.written("oa", "email", purpose=Purpose.TRANSACTIONAL, body="{{ order.amount }}")
    publish("order_shipped", shipped_content=shipped.pk)
    publish("order_refunded", refund_content=refund.pk)
    lin = person(openid=oa.pk, last_inbound_at=world.NOON)
    for number in ("SF1", "SF1", "SF2"):
        happens(lin, "order_shipped", order_id="SO-1", tracking_number=number, parcel_id=number)
    for number in ("R1", "R1", "R2"):
        happens(lin, "order_refunded", order_id="SO-1", refund_id=number, amount="5")
    settle(send=True)
    assert sorted(sent()) == ["5", "5", "SF1", "SF2"]


def test_an_unpaid_cart_is_reminded_of_once_after_an_hour(oa, sent):
    publish("unpaid_cart", cart_content=world.written("oa", "email", body="{{ cart.total }}").pk)
    lin, gu = (person(openid=oa.pk, last_inbound_at=world.NOON) for _n in range(2))
    happens(lin, "cart_updated", cart_id="K1", total="0.00")  # an emptied cart sets nothing off
    happens(lin, "cart_updated", cart_id="K1", total="79.00")
    happens(gu, "cart_updated", cart_id="K2", total="50.00")
    settle(send=True)
    with later(minutes=30):
        happens(lin, "cart_updated", cart_id="K1", total="89.00")
        happens(gu, "order_placed", order_id="SO-1", total="50.00")
        settle(send=True)
        assert not sent()
    with later(minutes=61):
        settle(send=True)
        happens(lin, "cart_updated", cart_id="K1", total="99.00")
        settle(send=True)
        assert [text.split()[0] for text in sent()] == ["79.00"] and Enrolment.objects.count() == 2
        happens(lin, "order_paid", order_id="SO-2", total="79.00")
        settle(send=True)
        assert Enrolment.objects.get(contact=lin).converted_at is not None
