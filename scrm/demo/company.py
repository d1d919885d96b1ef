"""The demo company 山野跑步: its people, channels, content, coupons, segments. Journeys come from the product's own recipes."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from campaigns.actions import approve_content, save_content
from campaigns.actions.content import VariantDraft
from campaigns.actions.coupon import save_batch
from campaigns.models import Content, CouponBatch
from channels_ingest.models import Channel, SceneCode
from contacts.actions import save_segment
from contacts.models import Segment
from journeys.recipes import THREE_DAYS
from scrm.core.models import Company, Role, Team, User

NAME = "山野跑步"
PASSWORD = "zhike-demo-2026"
OA_APP_ID = "wxdemo0000000001"
OA_SECRETS = {
    "app_secret": "demo-app-secret-0000000000000001",
    "token": "demotoken20260001",
    "aes_key": "DemoAesKey0000000000000000000000000000000AB",
}
HOOK_TOKEN = "demo0000shop0000hooks000000000001"
HOOK_KEY = "whsec_ZGVtby1zaG9wLXNpZ25pbmcta2V5LTAwMDAwMDAwMDE="
WRITE_KEY = "demo0000write0000key0000000000001"
GREETING = (
    "欢迎关注山野跑步！我是小野。\n想先看看哪一类？回复我就好：\n1 日常慢跑  2 越野  3 竞速\n（也告诉我怎么称呼您）"
)
PEOPLE = [
    ("苏念", "admin", "admin@shanye.example", ""),
    ("何清", "marketer", "marketer@shanye.example", ""),
    ("周宁", "agent", "agent@shanye.example", ""),
    ("赵启航", "sales", "sales@shanye.example", "华东组"),
    ("梁一鸣", "sales", "sales2@shanye.example", "华南组"),
    ("许安然", "manager", "manager@shanye.example", "华东组"),
]
"""Name, role, log-in, team."""
SCENES = [
    ("shop-window", "橱窗二维码"),
    ("cashier", "收银台二维码"),
    ("shoe-box", "鞋盒卡片"),
    ("race-day", "马拉松展位"),
    ("poster", "地铁海报"),
]
"""The first is the one that the sandbox's customer scans."""


@dataclass(frozen=True)
class Demo:
    users: dict[str, User]
    oa: Channel
    mail: Channel
    web: Channel
    batch: CouponBatch
    contents: dict[str, Content]
    segments: dict[str, Segment]


def found() -> Demo:
    """Make the company. Call inside a transaction, on an empty database."""
    Company.objects.update_or_create(pk=1, defaults={"name": NAME, "time_zone": settings.COMPANY_TIME_ZONE})
    users = _people()
    marketer = users["marketer@shanye.example"]
    oa, mail, web = _channels(users["admin@shanye.example"])
    batch = save_batch(
        batch=None,
        name="20 元跑鞋券",
        value=Decimal(20),
        min_spend=Decimal(199),
        stock=5000,
        valid_days=14,
        state="active",
        by=marketer,
    )
    contents = {key: _content(key, marketer) for key in TEXTS}
    segments = {
        name: save_segment(segment_id=None, name=name, description=description, rule=rule, version=None, by=marketer)
        for name, description, rule in SEGMENTS
    }
    return Demo(users, oa, mail, web, batch, contents, segments)


def _people() -> dict[str, User]:
    teams = {name: Team.objects.create(name=name) for name in ("华东组", "华南组")}
    users = {}
    for name, role, email, team in PEOPLE:
        users[email] = User.objects.create_user(
            email, PASSWORD, name=name, role=Role.objects.get(key=role), team=teams.get(team)
        )
    teams["华东组"].manager = users["manager@shanye.example"]
    teams["华东组"].save()
    return users


def _channels(admin: User) -> tuple[Channel, Channel, Channel]:
    oa = Channel(
        kind="wechat_oa",
        name=NAME,
        settings={"app_id": OA_APP_ID, "mode": "safe", "follow_reply": GREETING},
        created_by=admin,
    )
    oa.keep_secrets(OA_SECRETS)
    mail = Channel(
        kind="email",
        name="会员邮件",
        settings={
            "host": "127.0.0.1",
            "port": settings.SANDBOX_SMTP_PORT,
            "security": "none",
            "from_address": "hello@shanye.example",
            "from_name": NAME,
        },
        created_by=admin,
    )
    mail.keep_secrets({})
    web = Channel(
        kind="web",
        name="山野商城",
        token=WRITE_KEY,
        settings={"site_url": f"{settings.SANDBOX_PUBLIC_URL}/shop/", "origins": []},
        created_by=admin,
    )
    web.keep_secrets({"server_secret": "demo0000server0000secret000000000000000000000001"})
    weibo = Channel(
        kind="weibo",
        name=NAME,
        settings={"uid": "2861234567", "app_key": "1900000001", "poll_seconds": 2},
        created_by=admin,
    )
    weibo.keep_secrets({"app_secret": "demo-weibo-app-secret", "access_token": "2.00demo-weibo-token"})
    shop = Channel(
        kind="webhook",
        name="山野商城订单",
        token=HOOK_TOKEN,
        settings={"site_url": f"{settings.SANDBOX_PUBLIC_URL}/shop/"},
        created_by=admin,
    )
    shop.keep_secrets({"key": HOOK_KEY})
    for channel in (oa, mail, web, weibo):
        channel.save()
    shop.save()
    for scene, label in SCENES:
        SceneCode.objects.create(
            channel=oa,
            scene=scene,
            label=label,
            ticket=f"demo-{scene}",
            url=f"{settings.SANDBOX_PUBLIC_URL}/q/{scene}",
            created_by=admin,
        )
    return oa, mail, web


def _content(key: str, by: User) -> Content:
    name, purpose, variants = TEXTS[key]
    drafts = [VariantDraft(**variant) for variant in variants]
    return approve_content(
        content=save_content(content=None, name=name, purpose=purpose, variants=drafts, by=by), by=by
    )


_SHOP = f"{settings.SANDBOX_PUBLIC_URL}/shop"


def _oa(body: str, language: str = "zh-hans") -> dict[str, str]:
    return {"channel": "oa", "language": language, "format": "text", "body": body}


def _mail(subject: str, body: str, preheader: str = "", language: str = "zh-hans") -> dict[str, str]:
    return {
        "channel": "email",
        "language": language,
        "format": "markdown",
        "subject": subject,
        "preheader": preheader,
        "body": body,
    }


TEXTS: dict[str, tuple[str, str, list[dict[str, str]]]] = {
    "welcome": (
        "欢迎新朋友",
        "marketing",
        [
            _oa(
                '{{ contact.first_name | default: "朋友" }}，欢迎来到山野跑步！\n为您选了几双店里最受欢迎的跑鞋：\n'
                f"[看看跑鞋]({_SHOP}/c/running-shoes/)\n有问题直接回复我，小野在。"
            ),
            _oa(
                'Hi {{ contact.first_name | default: "there" }}, welcome to Shanye Running!\n'
                f"Here are the shoes people like most: [have a look]({_SHOP}/c/running-shoes/)\nJust answer if you have a question.",
                "en",
            ),
            _mail(
                '{{ contact.first_name | default: "朋友" }}，欢迎来到山野跑步',
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n谢谢关注山野跑步。店里最受欢迎的几双跑鞋，先给您看看。\n\n'
                f"[看看跑鞋]({_SHOP}/c/running-shoes/)",
                "最受欢迎的几双跑鞋",
            ),
        ],
    ),
    "coupon": (
        "20 元跑鞋券",
        "marketing",
        [
            _oa(
                '{{ contact.first_name | default: "朋友" }}，看您这几天都在挑跑鞋，送您一张 {{ coupon.value }} 元券：{{ coupon.code }}\n'
                f"{{{{ coupon.ends_on }}}} 前有效。[去选一双]({_SHOP}/c/running-shoes/)"
            ),
            _mail(
                "送您 {{ coupon.value }} 元跑鞋券",
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n看您这几天都在挑跑鞋，送您一张 **{{ coupon.value }} 元券**：'
                "`{{ coupon.code }}`，{{ coupon.ends_on }} 前有效。\n\n"
                f"[去选一双]({_SHOP}/c/running-shoes/)",
                "满 199 元可用",
            ),
        ],
    ),
    "paid": (
        "付款感谢",
        "transactional",
        [
            _oa("已收到您的付款，谢谢！订单 {{ order.number }}，共 {{ order.total }} 元。发货时再告诉您。"),
            _mail(
                "已收到付款：订单 {{ order.number }}",
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n已收到您的付款，订单 **{{ order.number }}**，共 {{ order.total }} 元。发货时再告诉您。',
            ),
        ],
    ),
    "shipped": (
        "发货通知",
        "transactional",
        [
            _oa("订单 {{ order.number }} 已发货：{{ order.carrier }} {{ order.tracking_number }}。"),
            _mail(
                "订单 {{ order.number }} 已发货",
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n您的包裹已在路上：{{ order.carrier }}，单号 {{ order.tracking_number }}。',
            ),
        ],
    ),
    "refund": (
        "退款通知",
        "transactional",
        [
            _oa("订单 {{ order.number }} 的退款 {{ order.amount }} 元已退回原支付账户。"),
            _mail(
                "退款已办好：订单 {{ order.number }}",
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n订单 {{ order.number }} 的退款 {{ order.amount }} 元已退回原支付账户。',
            ),
        ],
    ),
    "cart": (
        "购物车提醒",
        "marketing",
        [
            _oa(f"购物车里的 {{{{ cart.total }}}} 元好物还在等您。[去看看]({_SHOP}/cart/)"),
            _mail(
                "购物车还在等您",
                f'{{{{ contact.first_name | default: "朋友" }}}}，您好！\n\n购物车里还有 {{{{ cart.total }}}} 元的好物。\n\n[回到购物车]({_SHOP}/cart/)',
            ),
        ],
    ),
    "autumn": (
        "秋季新品",
        "marketing",
        [
            _mail(
                '{{ contact.first_name | default: "朋友" }}，秋天的新鞋到了',
                '{{ contact.first_name | default: "朋友" }}，您好！\n\n{% if contact.city == "杭州" %}西湖边的桂花开了，正是跑步的时候。{% else %}天凉下来了，正是跑步的时候。{% endif %}'
                f"\n\n云径 3 和破晓都已到店。\n\n[看新品]({_SHOP}/c/running-shoes/)",
                "云径 3 与破晓到店",
            ),
            _oa(f"秋天的新鞋到了：云径 3 和破晓。[看新品]({_SHOP}/c/running-shoes/)"),
        ],
    ),
    "race": (
        "马拉松周提醒",
        "marketing",
        [
            _mail(
                "马拉松周：赛前三天怎么吃、怎么睡",
                f"您好！\n\n赛前三天的一张清单，和几件会用到的小东西。\n\n[看清单]({_SHOP}/c/accessories/)",
                "一张清单",
            )
        ],
    ),
    "double11": (
        "双 11 会员日",
        "marketing",
        [
            _mail(
                '{{ contact.first_name | default: "朋友" }}，会员日三件八折',
                f"您好！\n\n会员日两天，任选三件八折。\n\n[去挑]({_SHOP}/)",
                "任选三件八折",
            ),
            _oa(f"会员日两天，任选三件八折。[去挑]({_SHOP}/)"),
        ],
    ),
}

SHOES = "连续三天看跑鞋"
"""The segment that starts the coupon journey."""


def _looked(measure: str, value: int) -> dict[str, object]:
    where = [{"property": "category", "op": "eq", "value": "running-shoes"}]
    return {
        "kind": "event",
        "event": "product_viewed",
        "where": where,
        "measure": measure,
        "op": "gte",
        "value": value,
        "days": 30,
    }


SEGMENTS: list[tuple[str, str, dict]] = [
    ("可邮件联系", "同意接收营销邮件的客户", {"all": [{"kind": "consent", "channel": "email", "purpose": "marketing", "state": "granted"}]}),
    (
        "近 30 天看过跑鞋未购买",
        "有意向、还没有下单",
        {
            "all": [
                _looked("count", 1),
                {"not": {"kind": "order", "measure": "count", "op": "gte", "value": 1, "days": 30}},
            ]
        },
    ),
    ("老客户", "买过两次以上", {"all": [{"kind": "order", "measure": "count", "op": "gte", "value": 2}]}),
    (
        "江浙沪潜客",
        "江浙沪的私域潜客与线索",
        {
            "all": [
                {"any": [{"kind": "attribute", "name": "region", "op": "eq", "value": name} for name in ("江苏", "浙江", "上海")]},
                {"kind": "stage", "stages": ["prospect", "lead"]},
            ]
        },
    ),
    (
        SHOES,
        "连续三天看过跑鞋、能联系到的客户",
        THREE_DAYS,
    ),
]  # fmt: skip
"""Name, description, rule."""
