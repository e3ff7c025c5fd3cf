"""Addresses below /compare/."""

from django.urls import path

from webapp.compare import views

app_name = "compare"
urlpatterns = [path("", views.compare, name="jobs")]
