"""Addresses of data exchange on the desk, below /desk/data/; the names are the desk's."""

from django.urls import path

from citybrain.faces.desk.data import one_set, sets

urlpatterns = [
    path("sets/", sets.list_view, name="data_sets"),
    path("sets/<slug:code>/", one_set.set_view, name="data_set"),
    path("sets/<slug:code>/steps/<slug:step>/", one_set.step_view, name="data_set_step"),
]
