"""Addresses below /devices/tables/."""

from django.urls import path

from webapp.tables import views

app_name = "tables"
urlpatterns = [
    path("add/", views.add, name="add"),
    path("drafts/<uuid:draft_id>/", views.draft, name="draft"),
    path("<uuid:table_id>/", views.detail, name="detail"),
    path("<uuid:table_id>/table.json", views.download, name="download"),
    path("<uuid:table_id>/delete/", views.delete, name="delete"),
]
