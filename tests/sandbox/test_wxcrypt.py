"""The sandbox's own encryption against wechatpy's, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidAppIdException

from scrm.sandbox import callbacks, wxcrypt

KEY, TOKEN, APPID = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "tokenoftests", "wx0000000000000001"


@given(st.text(max_size=300))
def test_round_trip(text):
    assert wxcrypt.decrypt(wxcrypt.encrypt(text, KEY, APPID), KEY, APPID) == text


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=200))
def test_wechatpy_reads_what_we_encrypt(text):
    xml = callbacks.render([("Content", text)])
    encrypted = wxcrypt.encrypt(xml, KEY, APPID)
    envelope = callbacks.render([("ToUserName", "gh_1"), ("Encrypt", encrypted)])
    signature = wxcrypt.signature(TOKEN, "1700000000", "42", encrypted)
    assert WeChatCrypto(TOKEN, KEY, APPID).decrypt_message(envelope, signature, "1700000000", "42") == xml


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=200))
def test_we_read_what_wechatpy_encrypts(text):
    import xmltodict

    envelope = xmltodict.parse(WeChatCrypto(TOKEN, KEY, APPID).encrypt_message(text, "42", "1700000000"))["xml"]
    assert wxcrypt.signed(envelope["MsgSignature"], TOKEN, "1700000000", "42", envelope["Encrypt"])
    assert wxcrypt.decrypt(envelope["Encrypt"], KEY, APPID) == text


def test_another_appid_is_refused():
    encrypted = wxcrypt.encrypt("hello", KEY, "wx0000000000000002")
    with pytest.raises(wxcrypt.BadCipher):
        wxcrypt.decrypt(encrypted, KEY, APPID)
    with pytest.raises(InvalidAppIdException):
        WeChatCrypto(TOKEN, KEY, APPID)._check_signature(
            wxcrypt.signature(TOKEN, "1", "2", encrypted),
            "1",
            "2",
            encrypted,
            __import__("wechatpy.crypto", fromlist=["x"]).PrpCrypto,
        )


@pytest.mark.parametrize("broken", ["", "!!!", "AAAA", "A" * 44, "A" * 86 + "=="])
def test_damaged_cipher_text_is_refused(broken):
    with pytest.raises(wxcrypt.BadCipher):
        wxcrypt.decrypt(broken, KEY, APPID)


@pytest.mark.parametrize("key", ["", "short", KEY[:-1], KEY + "A"])
def test_malformed_key_is_refused(key):
    with pytest.raises(wxcrypt.BadCipher):
        wxcrypt.encrypt("x", key, APPID)
