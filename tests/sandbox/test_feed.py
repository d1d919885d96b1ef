"""What the sandbox knows of the product's log stays on the page while the customer gets new handles or the product is slow."""

import json
from types import SimpleNamespace

import pytest

from scrm.lib import http
from scrm.sandbox import feed

SEEN = {"id": 7, "at": "2026-11-26T08:00:00+08:00", "kind": "followed", "title": "关注"}


@pytest.fixture
def product(monkeypatch, settings):
    """A product whose next answers are popped from the list; an empty list is a product that does not answer."""
    settings.PRODUCT_URL = "http://product.test"
    answers: list[dict] = []

    def request(*args, **options):
        if not answers:
            raise http.HttpFailed("gone", sent=False)
        answer = answers.pop(0)
        return SimpleNamespace(status=200, json=lambda: json.loads(json.dumps(answer)))

    monkeypatch.setattr(feed.http, "request", request)
    return answers


def test_a_new_handle_or_a_silent_product_does_not_empty_the_log(product):
    one = feed.Feed()
    assert one.items(("openid-1",)) == []
    product.append({"items": [SEEN], "contacts": ["/contacts/1/"]})
    one._fetch()
    assert [item["id"] for item in one.items(("openid-1",))] == [7]
    # The customer opens a link: now a browser belongs to them too.
    assert [item["id"] for item in one.items(("openid-1", "browser-1"))] == [7]
    one._fetch()
    assert [item["id"] for item in one.items(("openid-1", "browser-1"))] == [7] and not one.reachable
    before = one.version
    product.append({"items": [SEEN, SEEN | {"id": 9}], "contacts": ["/contacts/1/"]})
    one._fetch()
    assert [item["id"] for item in one.items(("openid-1", "browser-1"))] == [7, 9]
    assert one.reachable and one.version > before


def test_another_customer_starts_with_an_empty_log(product):
    one = feed.Feed()
    one.items(("openid-1",))
    product.append({"items": [SEEN], "contacts": []})
    one._fetch()
    assert one.items(("openid-2",)) == []
    one._fetch()
    assert one.items(("openid-2",)) == [] and one.items(("openid-1",)) == []
