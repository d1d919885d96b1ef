"""People for the pages: made through intake, as doors do."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts import counting, intake
from contacts.builder import building
from contacts.enums import Trust
from contacts.intake import Handle, Incoming
from contacts.models import Contact
from scrm.lib import clock


@pytest.fixture(autouse=True)
def _all_the_patience(monkeypatch) -> None:
    """A busy test machine must not turn exact counts into estimates."""
    monkeypatch.setattr(counting, "PATIENCE_MS", 60_000)
    for name in ("BUDGET_MS", "ROW_PATIENCE_MS", "TOTAL_PATIENCE_MS", "SAMPLE_PATIENCE_MS", "CHANNELS_PATIENCE_MS"):
        monkeypatch.setattr(building, name, 60_000)


@pytest.fixture(autouse=True)
def _nobody_elses_panels(settings) -> None:
    """Pages of this room alone: what other rooms add is tested there."""
    settings.CONTACT_PANELS = []


@pytest.fixture
def person(db) -> Callable[..., Contact]:
    """person("Lin", owner=sales, email="a@b.cn", phone="13816048888", orders=[268], ago=2) -> a known contact"""
    made = 0

    def make(
        name: str = "", *, owner=None, email="", phone="", orders=(), ago: float = 1, known=True, **traits
    ) -> Contact:
        nonlocal made
        made += 1
        at = clock.now() - timedelta(days=ago)
        handles = [Handle("openid", f"oTest{made:06}abcdefgh", 3, Trust.VERIFIED)] if known else []
        handles += [Handle("email", email, 0, Trust.VERIFIED)] if email else []
        handles += [Handle("phone", phone, 0, Trust.VERIFIED)] if phone else []
        handles = handles or [Handle("anonymous", f"browser-{made:06}-xyz", 0, Trust.OBSERVED)]
        source = {"kind": "qr_scene", "label": "shop window", "account_id": 3}
        kind, channel = ("followed", "oa") if known else ("page_viewed", "web")
        batch = [
            Incoming(kind, channel, at, 3, f"first-{made}", handles, traits={"name": name, **traits}, source=source)
        ] + [
            Incoming(
                "order_paid",
                "shop",
                at + timedelta(hours=1 + n),
                9,
                f"order-{made}-{n}",
                handles[:1],
                properties={"order_id": f"SO{made}-{n}", "total": total, "quantity": 1},
            )
            for n, total in enumerate(orders)
        ]
        contact_id = intake.append(batch)[0].contact_id
        if owner is not None:
            Contact.objects.filter(pk=contact_id).update(owner=owner, team=owner.team)
        return Contact.objects.get(pk=contact_id)

    return make


@pytest.fixture
def happen(db) -> Callable[..., None]:
    """happen(contact, "message_in", text="hello", ago_hours=1): an event on the contact's timeline"""

    def make(contact: Contact, kind: str, channel: str = "oa", ago_hours: float = 1, **properties) -> None:
        at = clock.now() - timedelta(hours=ago_hours)
        intake.append([Incoming(kind, channel, at, 3, contact_id=contact.pk, properties=properties)])

    return make


@pytest.fixture
def html(client_for) -> Callable[..., str]:
    """html(user, "/contacts/") -> the page's text, after checking that it answered 200"""

    def get(user, path: str, **headers) -> str:
        response = client_for(user).get(path, headers=headers)
        assert response.status_code == 200, (user.name, path, response.status_code)
        return response.content.decode()

    return get


@pytest.fixture
def statements(client_for) -> Callable[..., list[str]]:
    """statements(user, path) -> the tables that a page reads, one entry a statement, warm; savepoints and time limits are
    not counted"""

    def cost(user, path: str) -> list[str]:
        client = client_for(user)
        client.get(path)
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).status_code == 200
        told = [query["sql"] for query in found]
        skipped = ("SAVEPOINT", "RELEASE", "SELECT set_config")
        return [sql.partition(" FROM ")[2][:40] or sql[:60] for sql in told if not sql.startswith(skipped)]

    return cost
