"""Addresses below /devices/."""

from django.urls import path

from webapp.devices import views

app_name = "devices"
urlpatterns = [
    path("", views.list_devices, name="list"),
    path("<str:target_id>/", views.detail, name="detail"),
]
