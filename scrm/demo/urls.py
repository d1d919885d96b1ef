from django.urls import path

from scrm.demo.log import demo_log

app_name = "demo"

urlpatterns = [path("demo/log.json", demo_log, name="log")]
