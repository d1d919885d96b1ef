"""Liquid content: faults are told with line and reason, fall-backs work, links become tracked, nothing dangerous gets through."""

from types import SimpleNamespace

import pytest
from django.utils import translation
from liquid.exceptions import LiquidError

from campaigns import content
from contacts.enums import Stage


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


FIELDS = {
    "contact": {"name": "林<b>晓", "first_name": "", "city": "杭州", "attributes": {"size": 42}},
    "coupon": {"code": "ABCD", "value": "20"},
    "company": {"name": "山野跑步"},
    "message": {"unsubscribe_url": "https://scrm.test/u/t", "open_pixel_url": "https://scrm.test/o/t.gif"},
}


def variant(body: str, channel: str = "oa", format: str = "text", **more) -> SimpleNamespace:
    values = {"subject": "", "preheader": "", "language": "zh-hans", "data": {}} | more
    return SimpleNamespace(channel=channel, format=format, body=body, **values)


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("hello\n{% if %}x{% endif %}", 2, "Syntax"),
        ("hello\n\n{{ contact.nmae }}", 3, "contact.nmae"),
        ("{{ customer.name }}", 1, "customer.name"),
        ("{{ contact }}", 1, "contact"),
        ("a\n{{ contact.name | shout }}", 2, "shout"),
        ("{{ contact.name | safe }}", 1, "safe"),
        ("{% include 'x' %}", 1, "Syntax"),
        ("{% render 'x' %}", 1, "Syntax"),
        ("x" * 200_001, 1, "200,000"),
    ],
)
def test_faults_are_told_with_line_and_reason(source: str, line: int, words: str) -> None:
    problems = content.check(source)
    assert [(problem.line, words in problem.message) for problem in problems] == [(line, True)]


def test_good_sources_have_no_problems() -> None:
    source = '{{ contact.first_name | default: "朋友" }} {{ contact.attributes.anything.at_all }} {% for x in contact.attributes.list %}{{ x.y }}{{ forloop.index }}{% endfor %}'
    assert content.check(source) == []
    assert content.check(source, "markdown") == []


def test_a_missing_value_uses_its_fall_back() -> None:
    rendered = content.render(
        variant('你好 {{ contact.first_name | default: "朋友" }}{{ contact.attributes.none }}'), FIELDS
    )
    assert rendered.kind == "text"
    assert rendered.text == "你好 朋友"


def test_links_in_a_chat_become_tracked_and_names_cannot_make_links() -> None:
    seen: list[str] = []

    def track(url: str) -> str:
        seen.append(url)
        return f"https://scrm.test/l/{len(seen)}"

    body = "{{ contact.name }} [看新品](https://shop.test/new?a=1&b=2) 或 https://shop.test/"
    rendered = content.render(variant(body), FIELDS, links=track)
    assert seen == ["https://shop.test/new?a=1&b=2", "https://shop.test/"]
    assert rendered.text == '林b晓 <a href="https://scrm.test/l/1">看新品</a> 或 https://scrm.test/l/2'


def test_an_address_made_with_the_shop_field_is_tracked_like_a_written_one() -> None:
    seen: list[str] = []

    def track(url: str) -> str:
        seen.append(url)
        return f"https://scrm.test/l/{len(seen)}"

    fields = FIELDS | {"company": {"name": "山野跑步", "shop_url": "https://shop.test/"}}
    body = "[新鞋]({{ company.shop_url }}) [{{ contact.city }}]({{company.shop_url}}c/shoes?a=1) {{ company.shop_url }}"
    chat = content.render(variant(body), fields, links=track)
    assert seen == ["https://shop.test/", "https://shop.test/c/shoes?a=1", "https://shop.test/"]
    assert chat.text == (
        '<a href="https://scrm.test/l/1">新鞋</a> <a href="https://scrm.test/l/2">杭州</a> https://scrm.test/l/3'
    )
    seen.clear()
    mail = content.render(variant("[新鞋]({{ company.shop_url }}new/)", "email", "markdown"), fields, links=track)
    assert seen == ["https://shop.test/new/"] and 'href="https://scrm.test/l/1"' in mail.html
    # What is different for everybody is no stored link, and a shop without an address is none either.
    content.render(variant("[券]({{ coupon.code }}) [店]({{ company.shop_url }})"), FIELDS, links=track)
    assert seen == ["https://shop.test/new/"]


def test_marketing_in_a_chat_says_how_to_stop() -> None:
    fields = FIELDS | {"message": {"opt_out_words": "回复 TD 退订"}}
    assert content.render(variant("新品"), fields).text == "新品\n\n回复 TD 退订"


def test_a_mail_has_html_text_and_one_click_headers() -> None:
    body = "你好 **{{ contact.name }}**\n\n[去看看](https://shop.test/?a=1&b=2)\n\n{{ coupon.code }} <script>alert(1)</script>"
    rendered = content.render(
        variant(body, "email", "markdown", subject="给\r\nBcc: x@y {{ contact.city }}"),
        FIELDS,
        links=lambda url: "https://t/1",
    )
    assert rendered.subject == "给 Bcc: x@y 杭州"
    assert "<strong>林&lt;b&gt;晓</strong>" in rendered.html
    assert 'href="https://t/1"' in rendered.html and "display:inline-block" in rendered.html
    assert "<script>" not in rendered.html
    assert "https://scrm.test/o/t.gif" in rendered.html
    assert rendered.headers["List-Unsubscribe"] == "<https://scrm.test/u/t>"
    assert (
        "去看看 (https://t/1)" in rendered.text
        and "林<b>晓" in rendered.text
        and "https://scrm.test/u/t" in rendered.text
    )


def test_html_of_marketers_is_cleaned() -> None:
    body = '<p style="color:red" onclick="x()">{{ contact.city }}</p><img src="https://a/b.png" onerror="x()"><form></form><a href="javascript:x()">a</a>'
    html = content.render(variant(body, "email", "html", subject="s"), FIELDS).html
    assert 'style="color:red"' in html and "杭州" in html
    for bad in ("onclick", "onerror", "<form", "javascript:"):
        assert bad not in html


def test_liquid_survives_the_cleaning_of_html() -> None:
    body = '<p title="{{ contact.city }}">{{ contact.first_name | default: "朋友" }} {% if contact.city == "杭州" %}西湖{% endif %}</p>'
    assert "朋友 西湖" in content.render(variant(body, "email", "html", subject="s"), FIELDS).html


def test_limits_stop_runaway_loops() -> None:
    with pytest.raises(LiquidError):
        content.render(variant("{% for a in (1..100000) %}x{% endfor %}"), FIELDS)


def test_a_platform_template_carries_its_fields() -> None:
    data = {"template_id": "T1", "fields": {"thing1": "{{ contact.city }}"}}
    rendered = content.render(variant("https://shop.test/", data=data), FIELDS, links=lambda url: "https://t/9")
    assert (rendered.kind, rendered.data) == (
        "template",
        {"template_id": "T1", "url": "https://t/9", "fields": {"thing1": "杭州"}},
    )


def test_a_stage_is_said_in_the_language_of_the_message() -> None:
    fields = FIELDS | {"contact": {"stage": Stage.PROSPECT.label}}
    chinese, english = (
        content.render(variant("{{ contact.stage }}", language=code), fields).text for code in ("zh-hans", "en")
    )
    assert (chinese, english) == ("私域潜客", "Prospect")
