"""Addresses of the channels room: doors for machines, pages for people."""

from django.urls import path

from channels_ingest.views import channel, doors, inbox, scene

app_name = "channels_ingest"
urlpatterns = [
    path("in/<str:kind>/<str:token>/", doors.webhook, name="webhook"),
    path("v1/<str:call>", doors.collect, name="collect"),
    path("t.js", doors.tracker, name="tracker"),
    path("channels/", channel.channel_list, name="channel_list"),
    path("channels/add/", channel.channel_add, name="channel_add"),
    path("channels/add/<str:kind>/", channel.channel_create, name="channel_create"),
    path("channels/<int:pk>/", channel.channel_detail, name="channel_detail"),
    path("channels/<int:pk>/edit/", channel.channel_edit, name="channel_edit"),
    path("channels/<int:pk>/secrets/", channel.channel_secrets, name="channel_secrets"),
    path("channels/<int:pk>/pause/", channel.channel_pause, name="channel_pause"),
    path("channels/<int:pk>/resume/", channel.channel_resume, name="channel_resume"),
    path("channels/<int:pk>/new-key/", channel.channel_new_key, name="channel_new_key"),
    path("channels/<int:pk>/end-old-key/", channel.channel_end_old_key, name="channel_end_old_key"),
    path("channels/<int:pk>/check/", channel.channel_check, name="channel_check"),
    path("channels/<int:pk>/test-mail/", channel.channel_test_mail, name="channel_test_mail"),
    path("channels/<int:pk>/rotate/", channel.channel_rotate, name="channel_rotate"),
    path("channels/<int:pk>/codes/add/", scene.scene_add, name="scene_add"),
    path("channels/codes/<int:pk>.svg", scene.scene_picture, name="scene_picture"),
    path("channels/refused/<int:pk>/", inbox.bad_input_detail, name="bad_input_detail"),
    path("channels/set-aside/", inbox.dead_letter_list, name="dead_letter_list"),
    path("channels/set-aside/replay/", inbox.delivery_replay_all, name="delivery_replay_all"),
    path("channels/set-aside/<int:pk>/", inbox.delivery_detail, name="delivery_detail"),
    path("channels/set-aside/<int:pk>/replay/", inbox.delivery_replay, name="delivery_replay"),
    path("channels/set-aside/<int:pk>/discard/", inbox.delivery_discard, name="delivery_discard"),
    path("channels/events/", inbox.poison_list, name="poison_list"),
    path("channels/events/<int:pk>/replay/", inbox.poison_replay, name="poison_replay"),
]
