import pytest

from channels_ingest.connectors.wechat_oa.names import told_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2 越野，叫我小满就好", "小满"), ("我叫林晓雯", "林晓雯"), ("你好，我是苏念，想看跑鞋", "苏念"), ("叫我阿杰吧", "阿杰"), ("称呼我知微即可", "知微"), ("2 越野，叫我一鸣就好", "一鸣"), ("叫我一下", ""), ("我是一个跑者", ""),
        ("my name is Emma Clark", "Emma Clark"), ("2. Call me Liam!", "Liam"),
        ("我是新手", ""), ("我是来咨询的", ""), ("我是想买跑鞋", ""), ("叫我一声", ""), ("这双鞋我叫不出名字来着", ""), ("i am looking for shoes", ""),
        ("", ""), ("3", ""), ("有 42 码吗", ""), ("我是不是要先注册", ""),
    ],
)  # fmt: skip
def test_only_plain_introductions_count(text: str, name: str) -> None:
    assert told_name(text) == name
