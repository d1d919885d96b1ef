import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrm.lib import crypto

OLD, NEW = b"o" * 32, b"n" * 32


@pytest.fixture(autouse=True)
def _ring(settings):
    settings.ENCRYPTION_KEYS = {1: OLD}
    yield from forget()


def forget():
    crypto._derive.cache_clear(), crypto._cipher.cache_clear(), crypto._index_context.cache_clear()
    yield
    crypto._derive.cache_clear(), crypto._cipher.cache_clear(), crypto._index_context.cache_clear()


@given(st.text(), st.text(min_size=1))
def test_round_trip(value, purpose):
    assert crypto.unseal_text(crypto.seal(value, purpose), purpose) == value


def test_twice_sealed_looks_different():
    assert crypto.seal("138", "phone") != crypto.seal("138", "phone")


def test_bound_to_its_purpose():
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(crypto.seal("138", "phone"), "email")


@pytest.mark.parametrize("position", [0, 5, 20, -1])
def test_damage_is_noticed(position):
    sealed = bytearray(crypto.seal("13800000000", "phone"))
    sealed[position] ^= 1
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(bytes(sealed), "phone")


@pytest.mark.parametrize("value", [b"", b"\x01", b"\x01" + b"0" * 20])
def test_too_short(value):
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(value, "phone")


def test_rotation_keeps_old_values_and_every_index(settings):
    old, index = crypto.seal("138", "phone"), crypto.blind_index("phone", "138")
    settings.ENCRYPTION_KEYS = {2: NEW, 1: OLD}
    assert crypto.unseal_text(old, "phone") == "138"
    assert crypto.seal("138", "phone")[0] == 2
    assert crypto.blind_index("phone", "138") == index
    settings.ENCRYPTION_KEYS = {2: NEW}
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(old, "phone")


def test_index_is_by_kind_and_value():
    assert crypto.blind_index("phone", "1") == crypto.blind_index("phone", "1")
    assert len({crypto.blind_index(kind, value) for kind in ("phone", "email") for value in ("1", "2")}) == 4


def test_full_width_digits_fold():
    assert crypto.fold(" １３８００ ") == "13800"
