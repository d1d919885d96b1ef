from channels_ingest.models.channel import Channel, ChannelToken, Quota
from channels_ingest.models.delivery import BadInput, BadSample, Delivery
from channels_ingest.models.poll import Poll
from channels_ingest.models.scene import SceneCode

__all__ = ["BadInput", "BadSample", "Channel", "ChannelToken", "Delivery", "Poll", "Quota", "SceneCode"]
