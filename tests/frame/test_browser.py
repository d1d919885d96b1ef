"""The tests' browser works: Chinese glyphs, scripts, an error on the console is noticed."""

import pytest

pytestmark = pytest.mark.browser


def test_it_draws_chinese(tab):
    page = tab(width=390)
    page.set_content(
        "<p style='font: 20px sans-serif'><span id=a>知客</span><br><span id=b>&#xFFFFE;&#xFFFFE;</span></p>"
    )
    glyphs = page.evaluate(
        """() => ['知', '客', '\\u{FFFFE}'].map((letter) => {
            const canvas = document.createElement('canvas'); const pen = canvas.getContext('2d');
            pen.font = '20px sans-serif'; pen.fillText(letter, 5, 30); return canvas.toDataURL(); })"""
    )
    assert len(set(glyphs)) == 3, "two letters look the same: no font has them"


def test_console_errors_are_noticed(tab):
    page = tab()
    page.set_content("<script>console.error('broken part'); nothing.here()</script>")
    page.wait_for_function("true")
    assert any("broken part" in error for error in tab.errors) and len(tab.errors) == 2
    tab.errors.clear()
