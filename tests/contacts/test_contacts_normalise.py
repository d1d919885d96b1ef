import pytest

from contacts.enums import IdentityKind
from contacts.identity import mask, normalise


@pytest.mark.parametrize(
    ("kind", "typed", "normal"),
    [
        (IdentityKind.PHONE, "13812348888", "+8613812348888"),
        (IdentityKind.PHONE, "+86 138-1234-8888", "+8613812348888"),
        (IdentityKind.PHONE, "００８６１３８１２３４８８８８", "+8613812348888"),
        (IdentityKind.PHONE, "138 1234 8888", "+8613812348888"),
        (IdentityKind.PHONE, "+1 (415) 555-2671", "+14155552671"),
        (IdentityKind.PHONE, "021-62881234", "+862162881234"),
        (IdentityKind.PHONE, "12345", None),
        (IdentityKind.PHONE, "", None),
        (IdentityKind.EMAIL, " Lin.Xiao@163.COM ", "lin.xiao@163.com"),
        (IdentityKind.EMAIL, "ｌｉｎ＠１６３．ｃｏｍ", "lin@163.com"),
        (IdentityKind.EMAIL, "lin@例子.中国", "lin@xn--fsqu00a.xn--fiqs8s"),
        (IdentityKind.EMAIL, "lin@163", None),
        (IdentityKind.EMAIL, "a b@163.com", None),
        (IdentityKind.EMAIL, "x@y.com\nBcc: z@y.com", None),
        (IdentityKind.EMAIL, "a@b..com", None),
        (IdentityKind.OPENID, " oAbC-dEf_9xYz ", "oAbC-dEf_9xYz"),
        (IdentityKind.USER_ID, "U1\x00", None),
        (IdentityKind.USER_ID, "u" * 255, None),
    ],
)
def test_normal_form(kind, typed, normal):
    assert normalise(kind, typed) == normal


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (IdentityKind.PHONE, "+8613812348888", "138****8888"),
        (IdentityKind.PHONE, "+14155552671", "+141****2671"),
        (IdentityKind.EMAIL, "lin.xiao@163.com", "lin.x***@163.com"),
        (IdentityKind.EMAIL, "a@b.cn", "a***@b.cn"),
        (IdentityKind.EMAIL, "ab@b.cn", "a***@b.cn"),
        (IdentityKind.OPENID, "oAbC1234567899xYz", "oAbC…9xYz"),
        (IdentityKind.CUSTOMER, "10021", "10021"),
    ],
)
def test_masked(kind, value, shown):
    assert mask(kind, value) == shown
