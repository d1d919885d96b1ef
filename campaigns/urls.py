from django.urls import path

from campaigns.views import campaign, content, coupon, message

app_name = "campaigns"

urlpatterns = [
    path("campaigns/", campaign.campaign_list, name="campaign_list"),
    path("campaigns/new/", campaign.campaign_new, name="campaign_new"),
    path("campaigns/<int:pk>/", campaign.campaign_detail, name="campaign_detail"),
    path("campaigns/<int:pk>/edit/", campaign.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/reach/", campaign.campaign_reach, name="campaign_reach"),
    path("campaigns/<int:pk>/result/", campaign.campaign_result, name="campaign_result"),
    path("campaigns/<int:pk>/send/", campaign.campaign_send, name="campaign_send"),
    path("campaigns/<int:pk>/pause/", campaign.campaign_pause, name="campaign_pause"),
    path("campaigns/<int:pk>/resume/", campaign.campaign_resume, name="campaign_resume"),
    path("campaigns/<int:pk>/cancel/", campaign.campaign_cancel, name="campaign_cancel"),
    path("campaigns/<int:pk>/delete/", campaign.campaign_delete, name="campaign_delete"),
    path("content/", content.content_list, name="content_list"),
    path("content/new/", content.content_new, name="content_new"),
    path("content/preview/", content.content_preview, name="content_preview"),
    path("content/variant/", content.content_variant, name="content_variant"),
    path("content/<int:pk>/", content.content_edit, name="content_edit"),
    path("content/<int:pk>/approve/", content.content_approve, name="content_approve"),
    path("content/<int:pk>/version/", content.content_version, name="content_version"),
    path("content/<int:pk>/archive/", content.content_archive, name="content_archive"),
    path("content/<int:pk>/delete/", content.content_delete, name="content_delete"),
    path("coupons/", coupon.batch_list, name="batch_list"),
    path("coupons/new/", coupon.batch_new, name="batch_new"),
    path("coupons/<int:pk>/", coupon.batch_detail, name="batch_detail"),
    path("coupons/<int:pk>/edit/", coupon.batch_edit, name="batch_edit"),
    path("messages/", message.message_list, name="message_list"),
    path("messages/<int:pk>/", message.message_detail, name="message_detail"),
    path("messages/<int:pk>/settle/", message.message_settle, name="message_settle"),
]
