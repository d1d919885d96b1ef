"""The segment builder in a real browser: what scripts add must not press buttons that nobody pressed."""

import pytest
from django.urls import reverse

from contacts.models import Segment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CONDITION = {"kind": "event", "event": "product_viewed", "measure": "count", "op": "gte", "value": 1}


def test_leaving_a_field_by_tab_counts_again_and_presses_nothing(tab, live_server, make_user):
    marketer = make_user("builder", "marketer", password="right-horse-battery")
    segment = Segment.objects.create(name="Shoes", rule={"any": [CONDITION]}, created_by=marketer)
    page = tab()
    page.goto(f"{live_server.url}{reverse('core:login')}?next={reverse('contacts:segment', args=[segment.pk])}")
    page.fill("[name=email]", marketer.email)
    page.fill("[name=password]", "right-horse-battery")
    page.click("main button.btn-primary")
    page.wait_for_selector("#builder")
    value = page.locator("[name='r.0:value']")
    value.fill("3")
    with page.expect_request("**/segments/build/") as sent:
        value.press("Tab")  # the next stop is the button that adds a limit
        assert page.evaluate("document.activeElement.name") == "do"
    assert "value=3" in sent.value.post_data and "&do=" not in sent.value.post_data
