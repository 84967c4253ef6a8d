"""Addresses of the cockpit, below /cockpit/."""

from django.urls import path

from citybrain.faces.cockpit import brief, maps, screens

app_name = "cockpit"
urlpatterns = [
    path("", screens.home_view, name="home"),
    path("brief/", brief.brief_view, name="brief"),
    path("map/areas/", maps.areas_view, name="areas"),
    path("map/cases/", maps.cases_view, name="cases"),
]
