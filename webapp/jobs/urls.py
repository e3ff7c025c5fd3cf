"""Addresses below /jobs/."""

from django.urls import path

from webapp.jobs import search_views, views

app_name = "jobs"
urlpatterns = [
    path("", views.list_runs, name="list"),
    path("states/", views.states, name="states"),
    path("new/", views.new, name="new"),
    path("new/haq/", views.new_quantize, name="new-quantize"),
    path("new/haq/reach/", views.reach, name="reach"),
    path("new/proxylessnas/", search_views.new_search, name="new-search"),
    path("new/proxylessnas/reach/", search_views.search_reach, name="search-reach"),
    path("<uuid:job_id>/", views.detail, name="detail"),
    path("<uuid:job_id>/request/", views.request_change, name="request"),
    path("<uuid:job_id>/events/", views.events, name="events"),
]
