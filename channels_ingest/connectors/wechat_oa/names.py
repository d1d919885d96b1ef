"""How people say what to call them. The platform no longer tells nicknames (channels: ask for them), so the greeting asks.

Only plain self-introductions count; anything doubtful is left alone: no name is better than a wrong one.
"""

import re

_SAYS = re.compile(
    r"(?:^|[，,。.!！；;\s])(?:(?:你好|您好|嗨)[，,!！\s]*)?"
    r"(?:请?(?:叫|称呼)我|我(?:的名字)?(?:叫|是)|我姓名是)\s*(?P<zh>[\u4e00-\u9fff·]{1,6}?)(?:就好|就行|就可以|即可|吧|啦|哦|呀)?(?=$|[，,。.!！~～\s])"
)
_SAYS_EN = re.compile(
    r"(?:^|[,.!;]\s*)(?:my name is|call me|i am|i'm)\s+(?P<en>[A-Z][A-Za-z'’-]{0,20}(?:\s[A-Z][A-Za-z'’-]{0,20})?)\s*(?=$|[,.!])",
    re.IGNORECASE,
)
_COUNTS = re.compile("一[下声个位名次直起样些点]")
"""一下, 一声, 一个...: no names; 一鸣, 一帆, 一诺 are."""
_NOT_NAMES = {
    "谁",
    "新手",
    "女生",
    "男生",
    "女的",
    "男的",
    "学生",
    "老师",
    "老客户",
    "会员",
    "新人",
    "新来的",
    "来咨询的",
    "什么",
    "一声",
    "想买",
    "的",
}


def told_name(text: str) -> str:
    """The name of "2 越野，叫我小满就好" is 小满; empty when the text names nobody."""
    found = _SAYS.search(text)
    if found:
        name = found["zh"].strip("·")
        unsure = name in _NOT_NAMES or name.endswith("的") or name[0] in "想要来在不个" or _COUNTS.match(name)
        return "" if unsure else name
    found = _SAYS_EN.search(text)
    return found["en"] if found and found["en"][0].isupper() else ""
