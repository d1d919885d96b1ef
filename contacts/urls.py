from django.urls import path

from contacts.views import contact, contact_edit, contact_list, merge, segment, stage_rule, tag

app_name = "contacts"

urlpatterns = [
    path("contacts/", contact_list.contact_list, name="contact_list"),
    path("contacts/tag/", contact_list.contact_bulk_tag, name="contact_bulk_tag"),
    path("contacts/<int:pk>/", contact.contact, name="contact"),
    path("contacts/<int:pk>/timeline/", contact.contact_timeline, name="contact_timeline"),
    path("contacts/<int:pk>/edit/", contact_edit.contact_edit, name="contact_edit"),
    path("contacts/<int:pk>/stage/", contact_edit.contact_stage, name="contact_stage"),
    path("contacts/<int:pk>/owner/", contact_edit.contact_owner, name="contact_owner"),
    path("contacts/<int:pk>/tag/", contact_edit.contact_tag, name="contact_tag"),
    path("contacts/<int:pk>/untag/<int:tag_pk>/", contact_edit.contact_untag, name="contact_untag"),
    path("contacts/<int:pk>/consent/", contact_edit.contact_consent, name="contact_consent"),
    path("contacts/<int:pk>/reveal/<int:identity_pk>/", contact_edit.contact_reveal, name="contact_reveal"),
    path("contacts/merges/<int:pk>/", merge.merge, name="merge"),
    path("contacts/merges/<int:pk>/accept/", merge.merge_accept, name="merge_accept"),
    path("contacts/merges/<int:pk>/reject/", merge.merge_reject, name="merge_reject"),
    path("contacts/merges/<int:pk>/undo/", merge.merge_undo, name="merge_undo"),
    path("contacts/segments/", segment.segment_list, name="segment_list"),
    path("contacts/segments/new/", segment.segment_edit, name="segment_new"),
    path("contacts/segments/build/", segment.segment_build, name="segment_build"),
    path("contacts/segments/<int:pk>/", segment.segment_edit, name="segment"),
    path("contacts/segments/<int:pk>/members/", segment.segment_members, name="segment_members"),
    path("contacts/segments/<int:pk>/freeze/", segment.segment_freeze, name="segment_freeze"),
    path("contacts/segments/<int:pk>/copy/", segment.segment_copy, name="segment_copy"),
    path("contacts/segments/<int:pk>/delete/", segment.segment_delete, name="segment_delete"),
    path("contacts/tags/", tag.tag_list, name="tag_list"),
    path("contacts/tags/new/", tag.tag_edit, name="tag_new"),
    path("contacts/tags/<int:pk>/", tag.tag_edit, name="tag_edit"),
    path("contacts/tags/<int:pk>/delete/", tag.tag_delete, name="tag_delete"),
    path("contacts/stages/", stage_rule.stage_rule_list, name="stage_rule_list"),
    path("contacts/stages/new/", stage_rule.stage_rule_edit, name="stage_rule_new"),
    path("contacts/stages/<int:pk>/", stage_rule.stage_rule_edit, name="stage_rule"),
    path("contacts/stages/<int:pk>/move/", stage_rule.stage_rule_move, name="stage_rule_move"),
    path("contacts/stages/<int:pk>/switch/", stage_rule.stage_rule_switch, name="stage_rule_switch"),
    path("contacts/stages/<int:pk>/delete/", stage_rule.stage_rule_delete, name="stage_rule_delete"),
]
