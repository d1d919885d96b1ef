"""The shell in a real browser: search, theme, toasts, confirmation, list without reload, live bell, phone, accessibility.
``tab`` fails the test when a page logs an error to its console (a policy violation is one)."""

from pathlib import Path

import pytest
from django.urls import reverse

from scrm.core import notify
from scrm.core.models import Team

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "right-horse-battery"
AXE = Path(__file__).resolve().parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def boss(make_user):
    return make_user("boss", "admin", password=PASSWORD)


@pytest.fixture
def open_page(tab, live_server, boss):
    """open_page("/settings/users/", width=1440) -> a page, logged in through the log-in page."""

    def make(path: str, **options):
        page = tab(**options)
        page.goto(f"{live_server.url}{reverse('core:login')}?next={path}")
        page.fill("[name=email]", boss.email)
        page.fill("[name=password]", PASSWORD)
        page.click("main button.btn-primary")
        page.wait_for_selector("#nav", state="attached")
        page.wait_for_load_state("load")
        return page

    return make


def test_search_opens_by_key_and_leads_on(open_page):
    page = open_page(reverse("core:profile"))
    page.keyboard.press("Control+k")
    page.keyboard.type("audit")
    page.wait_for_selector("#find-out a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/audit/")


def test_theme_changes_at_once_and_stays(open_page, boss):
    page = open_page(reverse("core:profile"))
    page.emulate_media(color_scheme="light")
    assert page.get_attribute("html", "data-bs-theme") == "light"
    with page.expect_response(lambda answer: "/theme/" in answer.url):
        page.click("[data-theme-toggle]")
    assert page.get_attribute("html", "data-bs-theme") == "dark"
    page.reload()
    assert page.get_attribute("html", "data-bs-theme") == "dark"


def test_language_by_one_click(open_page):
    page = open_page(reverse("core:profile"))
    page.click("[name=language][value=zh-hans]")
    page.wait_for_selector("h1:has-text('个人设置')")


def test_list_sorts_filters_and_goes_back_without_losing_the_shell(open_page, make_user):
    for number in range(60):
        make_user(f"user{number:02}", "sales")
    page = open_page(reverse("core:user_list"))
    page.fill("#list-q", "user5")
    page.wait_for_selector(".pager >> text=10 in total")
    assert "q=user5" in page.url and page.evaluate("document.activeElement.id") == "list-q"
    page.click("th a:has-text('Name')")
    page.wait_for_selector("th[aria-sort=descending]")
    assert page.locator("tbody tr").first.inner_text().startswith("U\nuser59")
    page.go_back()
    page.wait_for_selector("th[aria-sort=ascending]")
    assert page.locator("#nav").count() == 1


def test_removing_asks_first_and_tells_afterwards(open_page):
    team = Team.objects.create(name="North")
    page = open_page(reverse("core:team_edit", args=[team.pk]))
    page.click("text=Remove")
    page.click("#sure [value=no]")
    assert Team.objects.count() == 1
    page.click("text=Remove")
    page.click("#sure [value=yes]")
    page.wait_for_selector(".toast-x:has-text('North')")
    assert not Team.objects.exists()


def test_bell_counts_by_itself(open_page, boss):
    page = open_page(reverse("core:profile"))
    notify.tell(boss, "Import finished")
    page.wait_for_selector("#bell .bell-n:has-text('1')", timeout=10_000)


def test_phone_has_a_drawer_and_no_sideways_scroll(open_page, make_user):
    make_user("a-rather-long-name-of-somebody", "sales")
    page = open_page(reverse("core:user_list"), width=390, height=780)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.locator("#nav .app-menu").is_visible()
    page.click("[data-bs-target='#nav']")
    page.wait_for_selector("#nav.show")
    assert page.locator("#nav .app-menu").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(theme, open_page, boss, live_server):
    boss.theme = theme
    boss.save()
    page = open_page(reverse("core:profile"))
    names = ["company", "user_list", "user_add", "team_list", "team_add", "role_list", "role_add", "audit_list"]
    found = []
    for name in [*names, "notification_list", "profile", "first_steps"]:
        page.goto(live_server.url + reverse(f"core:{name}"))
        page.evaluate(AXE.read_text())
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [f"{name}: {wrong['id']} {wrong['nodes'][0]['html'][:120]}" for wrong in result["violations"]]
    assert not found, "\n".join(found)
