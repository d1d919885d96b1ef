from django.urls import path

from service_desk import ticket_urls
from service_desk.views import canned, decisions, inbox, replies

app_name = "service_desk"

urlpatterns = [
    path("service/inbox/", inbox.inbox, name="inbox"),
    path("service/inbox/rows/", inbox.inbox_rows, name="inbox_rows"),
    path("service/inbox/presence/", decisions.presence, name="presence"),
    path("service/inbox/<int:pk>/", inbox.conversation, name="conversation"),
    path("service/inbox/<int:pk>/thread/", inbox.conversation_thread, name="conversation_thread"),
    path("service/inbox/<int:pk>/info/", inbox.conversation_info, name="conversation_info"),
    path("service/inbox/<int:pk>/composer/", replies.conversation_composer, name="conversation_composer"),
    path("service/inbox/<int:pk>/canned/", replies.conversation_canned, name="conversation_canned"),
    path("service/inbox/<int:pk>/reply/", replies.conversation_reply, name="conversation_reply"),
    path("service/inbox/<int:pk>/note/", replies.conversation_note, name="conversation_note"),
    path("service/inbox/<int:pk>/take/", decisions.conversation_take, name="conversation_take"),
    path("service/inbox/<int:pk>/assign/", decisions.conversation_assign, name="conversation_assign"),
    path("service/inbox/<int:pk>/snooze/", decisions.conversation_snooze, name="conversation_snooze"),
    path("service/inbox/<int:pk>/close/", decisions.conversation_close, name="conversation_close"),
    path("service/inbox/<int:pk>/reopen/", decisions.conversation_reopen, name="conversation_reopen"),
    path("service/canned/", canned.canned_list, name="canned_list"),
    path("service/canned/new/", canned.canned_new, name="canned_new"),
    path("service/canned/<int:pk>/", canned.canned_edit, name="canned_edit"),
    path("service/canned/<int:pk>/delete/", canned.canned_delete, name="canned_delete"),
    *ticket_urls.urlpatterns,
]
