from django.urls import include, path

from scrm.sandbox import setup

urlpatterns = [
    path("cgi-bin/", include("scrm.sandbox.platform.urls")),
    path("setup/oa", setup.takes_json(setup.connect_account)),
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
