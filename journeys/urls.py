from django.urls import path

from journeys.views import builder, editing, journey, people, rules

app_name = "journeys"

urlpatterns = [
    path("journeys/", journey.journey_list, name="journey_list"),
    path("journeys/new/", journey.journey_new, name="journey_new"),
    path("journeys/<int:pk>/", builder.journey_detail, name="journey_detail"),
    path("journeys/<int:pk>/counts/", builder.journey_counts, name="journey_counts"),
    path("journeys/<int:pk>/versions/", builder.version_list, name="version_list"),
    path("journeys/<int:pk>/dry-run/", builder.dry_run, name="dry_run"),
    path("journeys/<int:pk>/name/", journey.journey_rename, name="journey_rename"),
    path("journeys/<int:pk>/copy/", journey.journey_copy, name="journey_copy"),
    path("journeys/<int:pk>/publish/", journey.journey_publish, name="journey_publish"),
    path("journeys/<int:pk>/discard/", journey.draft_discard, name="draft_discard"),
    path("journeys/<int:pk>/pause/", journey.journey_pause, name="journey_pause"),
    path("journeys/<int:pk>/resume/", journey.journey_resume, name="journey_resume"),
    path("journeys/<int:pk>/end/", journey.journey_end, name="journey_end"),
    path("journeys/<int:pk>/delete/", journey.journey_delete, name="journey_delete"),
    path("journeys/<int:pk>/undo/", editing.draft_undo, name="draft_undo"),
    path("journeys/<int:pk>/steps/", editing.step_add, name="step_add"),
    path("journeys/<int:pk>/steps/<slug:key>/", editing.step_edit, name="step_edit"),
    path("journeys/<int:pk>/steps/<slug:key>/<str:act>/", editing.step_act, name="step_act"),
    path("journeys/<int:pk>/where/<slug:key>/", editing.where_edit, name="where_edit"),
    path("journeys/<int:pk>/rule/<slug:key>/", rules.rule_edit, name="rule_edit"),
    path("journeys/<int:pk>/rule/<slug:key>/<slug:branch>/", rules.rule_edit, name="branch_rule_edit"),
    path("journeys/<int:pk>/people/", people.enrolment_list, name="enrolment_list"),
    path("journeys/<int:pk>/people/add/", people.contact_add, name="contact_add"),
    path("journeys/<int:pk>/people/<int:enrolment_pk>/", people.enrolment_detail, name="enrolment_detail"),
    path("journeys/<int:pk>/people/<int:enrolment_pk>/remove/", people.enrolment_remove, name="enrolment_remove"),
]
