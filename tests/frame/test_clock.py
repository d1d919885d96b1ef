from datetime import UTC, datetime, timedelta

import pytest

from scrm.lib import clock


@pytest.fixture
def clock_file(settings, tmp_path, monkeypatch):
    settings.CLOCK_FILE = tmp_path / "clock.json"
    monkeypatch.setattr(clock, "_seen", (-1.0, timedelta()))
    return settings.CLOCK_FILE


def test_without_a_file_business_time_is_real_time(settings):
    settings.CLOCK_FILE = None
    assert clock.offset() == timedelta()
    with pytest.raises(RuntimeError):
        clock.set_offset(timedelta(hours=1))


def test_shift_moves_business_time_only(clock_file):
    before = clock.real_now()
    clock.set_offset(timedelta(days=3))
    assert clock.now() - before >= timedelta(days=3)
    assert clock.real_now() - before < timedelta(minutes=1)
    assert [file.name for file in clock_file.parent.iterdir()] == ["clock.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"offset_seconds": "soon"}', '{"other": 1}'])
def test_a_damaged_file_means_no_shift(clock_file, content):
    clock_file.write_text(content)
    assert clock.offset() == timedelta()


def test_frozen_and_back():
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    with clock.frozen(moment):
        assert clock.now() == moment
        with clock.frozen(moment + timedelta(hours=1)):
            assert clock.now() == moment + timedelta(hours=1)
        assert clock.now() == moment
    assert clock.now() != moment
