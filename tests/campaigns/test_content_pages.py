"""The content library in the browser: who may what, what is refused and why, and that nothing typed is lost."""

import threading

import pytest
from django.db import connection
from django.urls import reverse

from campaigns import coupons
from campaigns.actions import approve_content, new_version, save_content
from campaigns.actions.content import VariantDraft
from campaigns.models import Content, Coupon, CouponBatch, Immutable, Variant
from tests.campaigns.world import person

pytestmark = pytest.mark.django_db
GOOD = {
    "name": "Hello",
    "purpose": "marketing",
    "v-0-channel": "oa",
    "v-0-language": "zh-hans",
    "v-0-format": "text",
    "v-0-body": '你好 {{ contact.first_name | default: "朋友" }}',
}


@pytest.fixture
def draft(marketer) -> Content:
    return save_content(
        content=None,
        name="Welcome",
        purpose="marketing",
        variants=[VariantDraft("oa", "zh-hans", "text", body="你好")],
        by=marketer,
    )


@pytest.mark.parametrize("name", ["content_list", "content_new"])
@pytest.mark.parametrize(
    ("who", "status"), [("marketer", 200), ("admin", 200), ("agent", 403), ("sales", 403), ("outsider", 403)]
)
def test_who_may_open(name: str, who: str, status: int, cast, client_for) -> None:
    assert client_for(cast[who]).get(reverse(f"campaigns:{name}")).status_code == status


def test_every_write_needs_its_permission(draft, outsider, client_for) -> None:
    client = client_for(outsider)
    for name in ("content_approve", "content_version", "content_archive", "content_delete", "content_edit"):
        assert client.post(reverse(f"campaigns:{name}", args=[draft.pk])).status_code == 403
    for name in ("content_new", "content_preview", "content_variant"):
        assert client.post(reverse(f"campaigns:{name}"), GOOD).status_code == 403


def test_what_is_not_there_is_404(marketer, client_for) -> None:
    client = client_for(marketer)
    assert client.get(reverse("campaigns:content_edit", args=[999])).status_code == 404
    assert client.post(reverse("campaigns:content_delete", args=[999])).status_code == 404


def test_a_marketer_writes_saves_and_gets_it_back(marketer, client_for) -> None:
    client = client_for(marketer)
    answer = client.post(reverse("campaigns:content_new"), GOOD)
    content = Content.objects.get(name="Hello")
    assert answer.url == reverse("campaigns:content_edit", args=[content.pk])
    assert content.variants.get().body == GOOD["v-0-body"]
    assert GOOD["v-0-body"].split("|")[0] in client.get(answer.url).content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"v-0-body": "line one\n{{ contact.shoe }}"}, "Line 2: There is no field “contact.shoe”"),
        ({"v-0-body": "{% if %}"}, "Line 1: Syntax"),
        ({"v-0-body": "   "}, "The text is empty."),
        ({"v-0-channel": "email", "v-0-format": "markdown", "v-0-body": "kept text"}, "A mail needs a subject."),
        ({"name": ""}, "This field is required."),
        ({"v-0-channel": "pigeon"}, "Add at least one variant."),
    ],
)
def test_bad_input_is_told_and_nothing_is_lost(change: dict, words: str, marketer, client_for) -> None:
    data = GOOD | change
    page = client_for(marketer).post(reverse("campaigns:content_new"), data)
    html = page.content.decode()
    assert page.status_code == 422 and words in html
    assert not Content.objects.filter(system_key="").exists()
    if data["v-0-channel"] != "pigeon" and data["v-0-body"].strip():
        assert data["v-0-body"].split("\n")[0].split("{")[0] in html


def test_variants_are_added_and_removed_without_saving(marketer, client_for) -> None:
    client = client_for(marketer)
    html = client.post(
        reverse("campaigns:content_variant"), GOOD | {"add": "email-en"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert 'name="v-1-subject"' in html and "default:" in html
    html = client.post(
        reverse("campaigns:content_variant"), GOOD | {"add": "email-en", "remove": "oa-zh-hans"}
    ).content.decode()
    assert 'name="v-0-subject"' in html and 'value="oa"' not in html
    assert not Content.objects.filter(system_key="").exists()


def test_a_preview_shows_the_message_or_its_first_fault(marketer, client_for) -> None:
    client = client_for(marketer)
    assert "你好 朋友" in client.post(reverse("campaigns:content_preview"), GOOD).content.decode()
    html = client.post(
        reverse("campaigns:content_preview"), GOOD | {"v-0-body": "<script>x</script>{{ contact.name }}"}
    ).content.decode()
    assert "<script>x" not in html
    html = client.post(reverse("campaigns:content_preview"), GOOD | {"v-0-body": "{{ contact.x }}"}).content.decode()
    assert "contact.x" in html and "Line 1" in html


def test_only_who_may_approve_approves_and_approved_content_never_changes(draft, marketer, admin, client_for) -> None:
    for who in (marketer, admin):
        if who.can("content.approve"):
            client_for(who).post(reverse("campaigns:content_approve", args=[draft.pk]))
            break
        assert client_for(who).post(reverse("campaigns:content_approve", args=[draft.pk])).status_code == 403
    draft.refresh_from_db()
    assert draft.state == "approved" and draft.approved_by == who
    page = client_for(who).post(reverse("campaigns:content_edit", args=[draft.pk]), GOOD)
    draft.refresh_from_db()
    assert page.status_code == 409 and draft.name == "Welcome"
    with pytest.raises(Immutable):
        Variant.objects.get(content=draft).save()
    assert client_for(who).post(reverse("campaigns:content_delete", args=[draft.pk])).status_code == 404


def test_a_new_version_is_a_draft_copy_and_the_old_one_stays(draft, admin, client_for) -> None:
    approve_content(content=draft, by=admin)
    client = client_for(admin)
    first = client.post(reverse("campaigns:content_version", args=[draft.pk])).url
    assert client.post(reverse("campaigns:content_version", args=[draft.pk])).url == first
    copy = Content.objects.get(family=draft.family, version=2)
    assert copy.state == "draft" and copy.variants.get().body == "你好"
    html = client.get(reverse("campaigns:content_list")).content.decode()
    assert "v2" in html and html.count("Welcome") >= 1


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_costs_the_same_for_one_and_thirty(
    rows: int, marketer, client_for, django_assert_max_num_queries
) -> None:
    for number in range(rows):
        save_content(
            content=None,
            name=f"C{number}",
            purpose="marketing",
            variants=[VariantDraft("oa", "en", "text", body="x")],
            by=marketer,
        )
    client = client_for(marketer)
    client.get(reverse("campaigns:content_list"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("campaigns:content_list"))
    assert len(page.context["page"].rows) == rows


def test_who_may_not_see_contacts_sees_none_of_them(outsider, client_for) -> None:
    person("不给看")
    outsider.role.permissions = ["content.edit"]
    outsider.role.scope = "all"
    outsider.role.save()
    batch = CouponBatch.objects.create(name="Twenty", value=20, stock=5)
    contact = person("也不给看")
    coupons.issue(batch.pk, [contact.pk], "test")
    client = client_for(outsider)
    page = client.get(reverse("campaigns:batch_detail", args=[batch.pk])).content.decode()
    assert "也不给看" not in page and Coupon.objects.get().code not in page
    posted = {"v-0-channel": "oa", "v-0-language": "zh-hans", "v-0-body": "Hi {{ contact.name }}!", "as": "0"}
    shown = client.post(reverse("campaigns:content_preview"), posted).content.decode()
    assert "Hi !" in shown and "不给看" not in shown


def test_coupon_batches_are_made_and_guarded(marketer, outsider, client_for) -> None:
    data = {"name": "Twenty off", "value": "20", "min_spend": "99", "stock": "5", "valid_days": "14", "state": "active"}
    assert client_for(outsider).post(reverse("campaigns:batch_new"), data).status_code == 403
    client = client_for(marketer)
    answer = client.post(reverse("campaigns:batch_new"), data)
    assert answer.status_code == 302 and "Twenty off" in client.get(answer.url).content.decode()
    bad = client.post(
        reverse("campaigns:batch_new"), data | {"name": "Other", "value": "0", "stock": "0", "valid_days": "9999"}
    )
    html = bad.content.decode()
    assert (
        bad.status_code == 422
        and "More than zero." in html
        and "At least 1." in html
        and "3,650" in html
        and "Other" in html
    )
    assert client.get(reverse("campaigns:batch_list")).status_code == 200
    assert client.get(reverse("campaigns:batch_detail", args=[999])).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_two_who_press_new_version_at_once_get_the_same_draft(draft, admin) -> None:
    approved = approve_content(content=draft, by=admin)
    found, begin = [], threading.Barrier(4)

    def press() -> None:
        try:
            begin.wait()
            found.append(new_version(content=approved, by=admin).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_two_people_do_not_overwrite_each_other(draft, marketer, client_for) -> None:
    client = client_for(marketer)
    url = reverse("campaigns:content_edit", args=[draft.pk])
    stale = GOOD | {"seen": draft.stamp}
    assert client.post(url, stale | {"name": "Theirs"}).status_code == 302
    page = client.post(url, stale | {"v-0-body": "my long text"})
    assert (
        page.status_code == 409 and "my long text" in page.content.decode() and "Somebody else" in page.content.decode()
    )
    draft.refresh_from_db()
    assert draft.name == "Theirs"


def test_what_was_typed_is_kept_when_the_draft_was_approved_meanwhile(draft, admin, client_for) -> None:
    client = client_for(admin)
    stale = GOOD | {"seen": draft.stamp, "v-0-body": "my long text"}
    approve_content(content=draft, by=admin)
    page = client.post(reverse("campaigns:content_edit", args=[draft.pk]), stale)
    assert page.status_code == 409 and "my long text" in page.content.decode()
