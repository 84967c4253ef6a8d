"""Addresses of forms on the desk, below /desk/forms/; the names are the desk's."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
