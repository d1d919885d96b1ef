"""How figures, times and contact points are written, in both languages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from scrm.core import formats
from scrm.lib import clock

NOW = datetime(2025, 11, 21, 14, 32, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture(autouse=True)
def _chinese():
    with translation.override("zh-hans"), timezone.override("Asia/Shanghai"), clock.frozen(NOW.astimezone(UTC)):
        yield


def draw(source: str, **context) -> str:
    return Template(source).render(Context(context)).strip()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("tag", "shown"),
    [
        ("{% money 1286400 %}", "¥1,286,400"),
        ("{% money 268 cents=True %}", "¥268.00"),
        ("{% money 1286400 short=True %}", "¥128.6万"),
        ("{% money 40000 short=True %}", "¥4万"),
        ("{% money 230000000 short=True %}", "¥2.3亿"),
        ("{% money -1500 %}", "−¥1,500"),
        ("{% money 12.5 currency='USD' cents=True %}", "$12.50"),
        ("{% money 12 currency='CHF' %}", "CHF 12"),
        ("{% money nothing %}", "—"),
        ("{% money_span 356000 468000 %}", "¥356,000–¥468,000"),
        ("{% count 12486 %}", "12,486"),
        ("{% count 0 %}", "0"),
        ("{% count nothing %}", "—"),
        ("{% count -3 %}", "−3"),
        ("{% pct 0.382 %}", "38.2%"),
        ("{% pct 0 %}", "0.0%"),
        ("{% points 0.012 %}", "+1.2pp"),
        ("{% points -0.018 %}", "−1.8pp"),
        ("{{ '13812348888'|masked_phone }}", "138****8888"),
        ("{{ '+86 138-1234-8888'|masked_phone }}", "138****8888"),
        ("{{ '10086'|masked_phone }}", "****86"),
        ("{{ 'lin.xiaowen@163.com'|masked_email }}", "lin.x***@163.com"),
        ("{{ 'a@b.cn'|masked_email }}", "***@b.cn"),
        ("{{ ''|masked_email }}", "—"),
        ("{{ 'oABCdefghijklmnop9xYz'|shortened }}", "oABC…9xYz"),
        ("{{ 'short'|shortened }}", "short"),
    ],
)
def test_figures(tag, shown):
    assert draw(tag, nothing=None) == shown


def test_halves_are_rounded_up_not_to_even():
    assert formats.count(Decimal("0.5")) == "1" and formats.pct(Decimal("0.0005")) == "0.1%"


def test_short_in_english():
    with translation.override("en"):
        assert formats.money(1286400, short=True) == "¥1.3M" and formats.count(40000, short=True) == "40k"


@pytest.mark.parametrize(
    ("ago", "zh", "en"),
    [
        (timedelta(seconds=20), "刚刚", "just now"),
        (timedelta(minutes=12), "12 分钟前", "12 min ago"),
        (timedelta(minutes=59, seconds=59), "59 分钟前", "59 min ago"),
        (timedelta(hours=1), "13:32", "13:32"),
        (timedelta(hours=14, minutes=32), "00:00", "00:00"),
        (timedelta(hours=14, minutes=33), "昨天", "yesterday"),
        (timedelta(days=2), "11-19", "Nov 19"),
        (timedelta(days=400), "2024-10-17", "2024-10-17"),
        (timedelta(hours=-2), "16:32", "16:32"),
        (timedelta(hours=-17, minutes=-28), "明天 08:00", "tomorrow 08:00"),
        (timedelta(days=-3), "11-24 14:32", "Nov 24 14:32"),
        (timedelta(days=-60), "2026-01-20", "2026-01-20"),
    ],
)
def test_when(ago, zh, en):
    assert formats.when(NOW - ago, NOW) == zh
    with translation.override("en"):
        assert formats.when(NOW - ago, NOW) == en


def test_when_tag_has_the_exact_time_in_the_title():
    html = draw("{% when moment %}", moment=NOW - timedelta(minutes=12))
    assert ">12 分钟前<" in html and 'title="2025-11-21 14:20:00"' in html
    assert draw("{% when moment %}", moment=None) == "—"


def test_days_in_headings():
    with clock.frozen(NOW):
        assert formats.day(datetime(timezone.localtime().year, 1, 5, 3, tzinfo=UTC)).startswith("1月5日 ")
    assert formats.day(datetime(2024, 11, 21, 3, tzinfo=UTC)).startswith("2024年11月21日")


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        (timedelta(minutes=4, seconds=12), "04:12"),
        (timedelta(minutes=-3), "−03:00"),
        (timedelta(hours=3, minutes=48), "3:48 小时"),
        (timedelta(days=2, hours=5), "2 天 5 小时"),
        (timedelta(days=1), "1 天"),
    ],
)
def test_countdown(left, shown):
    assert formats.left(NOW + left, NOW) == shown


class TestAtoms:
    def test_delta_says_good_or_bad_not_up_or_down(self):
        assert "t-ok" in draw("{% delta 0.12 %}") and "</i>12.0%<" in draw("{% delta 0.12 %}")
        assert "t-bad" in draw("{% delta -0.009 %}") and 'label="下降"></i>0.9%<' in draw("{% delta -0.009 %}")
        slower = draw("{% delta 11 'down' 'count' '秒' %}")
        assert "t-bad" in slower and "arrow-up" in slower and "11秒" in slower
        assert "t-mute" in draw("{% delta 0 %}")
        assert ">+1.2pp<" in draw("{% delta 0.012 kind='pp' %}")

    def test_everything_is_escaped(self):
        evil = "<script>alert(1)</script>"
        source = (
            "{% badge x %}{% ico 'user' name=x %}{% avatar person %}{% blank 'a' x x x x %}"
            "{% note 'info' %}{{ x }}{% endnote %}{% pagehead x x %}{% endpagehead %}"
        )
        assert "<script" not in draw(source, x=evil, person=SimpleNamespace(name="<b>", pk=1))

    def test_channel_has_a_name_for_those_who_do_not_see(self):
        assert "visually-hidden" in draw("{% channel 'oa' %}") and "公众号" in draw("{% channel 'oa' %}")
        assert "c-sys" in draw("{% channel 'unheard of' %}")

    def test_spark_needs_two_points(self):
        assert draw("{% spark v %}", v=[1]) == "" and draw("{% spark v %}", v=[]) == ""
        assert 'points="0.0,28.0 80.0,4.0 160.0,28.0"' in draw("{% spark v %}", v=[1, 2, 1])
        assert "nan" not in draw("{% spark v %}", v=[5, None, 5])

    def test_field_ties_hint_and_error_to_the_control(self):
        from django import forms

        class Form(forms.Form):
            name = forms.CharField(help_text="Your own")

        html = draw("{% field form.name %}", form=Form({"name": ""}))
        assert 'id="id_name_helptext"' in html and 'id="id_name_error"' in html
        assert 'aria-invalid="true"' in html and "is-invalid" in html and "id_name_helptext" in html.split("<input")[1]

    def test_chart_prints_data_not_code(self):
        html = draw("{% chart 'c' option 'Label' %}", option={"title": "</script><script>alert(1)"})
        assert html.count("<script") == 1 and 'type="application/json"' in html

    def test_audit_words(self):
        assert draw("{{ 'role.updated'|verb_text }}{{ 'thing.frobbed'|verb_text }}") == "修改thing.frobbed"
        assert draw("{{ v|detail }}", v=["own", "team"]) == "own → team"
