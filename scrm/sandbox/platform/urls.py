from django.urls import path

from scrm.sandbox.platform import accounts, messages, tokens

urlpatterns = [
    path("token", tokens.token),
    path("stable_token", tokens.stable_token),
    path("message/custom/send", messages.custom_send),
    path("message/custom/typing", messages.custom_typing),
    path("message/template/send", messages.template_send),
    path("template/get_all_private_template", messages.template_list),
    path("user/info", accounts.user_info),
    path("user/info/batchget", accounts.user_info_batch),
    path("user/get", accounts.user_list),
    path("qrcode/create", accounts.qrcode_create),
    path("showqrcode", accounts.show_qrcode),
    path("media/upload", accounts.media_upload),
    path("media/get", accounts.media_get),
    path("menu/create", accounts.menu_create),
    path("menu/get", accounts.menu_get),
    path("menu/delete", accounts.menu_delete),
    path("getcallbackip", accounts.callback_ips),
    path("get_api_domain_ip", accounts.callback_ips),
]
