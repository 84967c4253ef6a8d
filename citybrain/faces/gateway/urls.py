"""/api/ for machines."""

from django.urls import path

from citybrain.faces.gateway.api import api
from citybrain.faces.gateway.reference import reference

urlpatterns = [
    path("", reference, name="api_reference"),
    path("v1/", api.urls),
]
