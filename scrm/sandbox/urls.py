from django.urls import include, path

from scrm.sandbox import mailbox, pages, setup
from scrm.sandbox.weibo import people as weibo

urlpatterns = [
    path("", pages.phone, name="phone"),
    path("live", pages.live, name="live"),
    path("q/<str:scene>", pages.code),
    path("accounts", pages.accounts, name="accounts"),
    path("prefer", pages.prefer, name="prefer"),
    path("play", setup.takes_json(pages.play)),
    path("note", setup.takes_json(pages.note)),
    path("turn-clock", setup.takes_json(pages.turn_clock)),
    path("start-over", setup.takes_json(pages.start_over)),
    path("change-person", setup.takes_json(pages.change_person)),
    path("media/<str:media_id>", pages.media, name="media"),
    path("mail/<int:number>", mailbox.mail),
    path("mail/<int:number>/body", mailbox.mail_body),
    path("mail/<int:number>/unsubscribe", mailbox.mail_unsubscribe),
    path("shop/deal", setup.takes_json(setup.deal)),
    path("shop/", include("scrm.sandbox.shop.urls")),
    path("cgi-bin/", include("scrm.sandbox.platform.urls")),
    path("setup/oa", setup.takes_json(setup.connect_account)),
    path("2/", include("scrm.sandbox.weibo.urls")),
    path("setup/weibo", setup.takes_json(weibo.connect)),
    path("setup/shop", setup.takes_json(setup.connect_shop)),
    path("setup/faults", setup.takes_json(setup.switch_faults)),
    path("setup/reset", setup.takes_json(setup.reset)),
    path("clock", setup.takes_json(setup.shift_clock)),
    path("persona", setup.takes_json(setup.new_person)),
    path("act", setup.takes_json(setup.do_act)),
    path("bulk/act", setup.takes_json(setup.bulk_act)),
    path("bulk/follow", setup.takes_json(setup.bulk_follow)),
    path("record/<slug:table>.json", setup.record),
    path("record/mails/<int:number>.eml", setup.raw_mail),
]

handler404 = "scrm.sandbox.pages.not_found"
