from django.urls import path

from scrm.sandbox.weibo import api

urlpatterns = [
    path("account/get_uid.json", api.get_uid),
    path("comments/to_me.json", api.comments_to_me),
    path("comments/mentions.json", api.no_mentions),
    path("statuses/mentions.json", api.no_mentions),
    path("comments/reply.json", api.comment_reply),
    path("messages/reply.json", api.message_reply),
]
