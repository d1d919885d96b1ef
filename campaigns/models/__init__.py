from campaigns.models.campaign import Campaign, CampaignState, Wave, WaveMember
from campaigns.models.content import Content, Immutable, Variant
from campaigns.models.coupon import Coupon, CouponBatch
from campaigns.models.link import Link, OptIn
from campaigns.models.message import DeliveryReport, Message, MessageCount, Pace, Suppression

__all__ = [
    "Campaign",
    "CampaignState",
    "Content",
    "Coupon",
    "CouponBatch",
    "DeliveryReport",
    "Immutable",
    "Link",
    "Message",
    "MessageCount",
    "OptIn",
    "Pace",
    "Suppression",
    "Variant",
    "Wave",
    "WaveMember",
]
