"""Addresses below /jobs/."""

from django.urls import path

from webapp.jobs import profile_views, search_views, views

app_name = "jobs"
urlpatterns = [
    path("", views.list_runs, name="list"),
    path("states/", views.states, name="states"),
    path("new/", views.new, name="new"),
    path("new/haq/", views.new_quantize, name="new-quantize"),
    path("new/haq/reach/", views.reach, name="reach"),
    path("new/proxylessnas/", search_views.new_search, name="new-search"),
    path("new/proxylessnas/reach/", search_views.search_reach, name="search-reach"),
    path("new/profile/", profile_views.new_profile, name="new-profile"),
    path("new/profile/plan/", profile_views.plan, name="profile-plan"),
    path("<uuid:job_id>/", views.detail, name="detail"),
    path("<uuid:job_id>/request/", views.request_change, name="request"),
    path("<uuid:job_id>/events/", views.events, name="events"),
]
