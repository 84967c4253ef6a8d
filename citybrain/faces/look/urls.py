"""Addresses of the shared look: /look/ the gallery, /look/choose/ keeps a choice."""

from django.urls import path

from citybrain.faces.look import gallery, views

app_name = "look"
urlpatterns = [
    path("", gallery.gallery, name="gallery"),
    path("frame/<slug:frame>/", gallery.frame, name="frame"),
    path("sample/<slug:kind>.json", gallery.shapes, name="shapes"),
    path("choose/", views.choose, name="choose"),
    path("offline/", views.offline, name="offline"),
]
