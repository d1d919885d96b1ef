from django.conf import settings
from django.urls import path

from scrm.core.views import audit, company, errors, home, kit, notifications, people, profile, roles, session, teams

app_name = "core"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", home.search, name="search"),
    path("live/", home.live_versions, name="live"),
    path("login/", session.login, name="login"),
    path("logout/", session.logout, name="logout"),
    path("language/", session.language, name="language"),
    path("theme/", session.theme, name="theme"),
    path("first-run/", session.first_run, name="first_run"),
    path("first-run/next/", company.first_steps, name="first_steps"),
    path("profile/", profile.profile, name="profile"),
    path("profile/password/", profile.password, name="password"),
    path("notifications/", notifications.notification_list, name="notification_list"),
    path("notifications/bell/", notifications.notification_bell, name="notification_bell"),
    path("notifications/read/", notifications.notification_read_all, name="notification_read_all"),
    path("notifications/<int:pk>/open/", notifications.notification_open, name="notification_open"),
    path("settings/company/", company.company, name="company"),
    path("settings/users/", people.user_list, name="user_list"),
    path("settings/users/new/", people.user_add, name="user_add"),
    path("settings/users/<int:pk>/", people.user_edit, name="user_edit"),
    path("settings/users/<int:pk>/active/", people.user_set_active, name="user_set_active"),
    path("settings/teams/", teams.team_list, name="team_list"),
    path("settings/teams/new/", teams.team_add, name="team_add"),
    path("settings/teams/<int:pk>/", teams.team_edit, name="team_edit"),
    path("settings/teams/<int:pk>/remove/", teams.team_remove, name="team_remove"),
    path("settings/roles/", roles.role_list, name="role_list"),
    path("settings/roles/new/", roles.role_add, name="role_add"),
    path("settings/roles/<int:pk>/", roles.role_edit, name="role_edit"),
    path("settings/roles/<int:pk>/remove/", roles.role_remove, name="role_remove"),
    path("audit/", audit.audit_list, name="audit_list"),
]

if settings.DEBUG:
    urlpatterns += [
        path("ui/kit/", kit.kit, name="kit"),
        path("ui/modal/", kit.modal, name="kit_modal"),
        path("ui/error/<int:status>/", errors.show, name="error"),
    ]
