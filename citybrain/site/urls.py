"""Which face answers which address."""

from django.urls import URLPattern, URLResolver, include, path

from citybrain.site.health import health
from citybrain.site.stream import ticket

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("push/ticket", ticket, name="push_ticket"),
    path("look/", include("citybrain.faces.look.urls")),
    path("cockpit/", include("citybrain.faces.cockpit.urls")),
    path("desk/people/", include("citybrain.faces.desk.accounts.people_urls")),
    path("api/", include("citybrain.faces.gateway.urls")),
    path("desk/", include("citybrain.faces.desk.urls")),
    path("", include("citybrain.faces.desk.accounts.urls")),
    path("", include("citybrain.faces.portal.urls")),
]
