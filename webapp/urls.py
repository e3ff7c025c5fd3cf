"""The site's addresses."""

from django.urls import include, path
from django.views.generic import RedirectView

from webapp.health import healthz
from webapp.jobs import downloads

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="jobs:list"), name="home"),
    path("accounts/", include("allauth.urls")),
    path("jobs/", include("webapp.jobs.urls")),
    path("compare/", include("webapp.compare.urls")),
    path("devices/tables/", include("webapp.tables.urls")),
    path("devices/", include("webapp.devices.urls")),
    path("files/", include((downloads.urlpatterns, "downloads"))),
    path("healthz", healthz, name="healthz"),
]
