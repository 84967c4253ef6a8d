"""Which face answers which address."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", include("citybrain.faces.desk.urls")),
    path("", include("citybrain.faces.portal.urls")),
]
