"""The people that an officer manages; mounted under the desk."""

from django.urls import path

from citybrain.faces.desk.accounts import choices, citizens, importing, people, person, reviewing

app_name = "people"
urlpatterns = [
    path("", people.listing, name="list"),
    path("new/", people.new, name="new"),
    path("review/", reviewing.review, name="review"),
    path("citizens/", citizens.bind, name="citizens"),
    path("import/", importing.upload, name="import"),
    path("import/template.xlsx", importing.template, name="template"),
    path("import/<int:import_id>/", importing.receipt, name="receipt"),
    path("import/<int:import_id>/receipt.xlsx", importing.receipt_excel, name="receipt_excel"),
    path("choices/areas/", choices.areas, name="choose_area"),
    path("choices/agencies/", choices.agencies, name="choose_agency"),
    path("choices/people/", choices.people, name="choose_person"),
    path("<int:person_id>/", person.page_of, name="person"),
    path("<int:person_id>/edit/", person.edit, name="edit"),
    path("<int:person_id>/state/", person.state, name="state"),
    path("<int:person_id>/password/", person.password, name="password"),
    path("<int:person_id>/sessions/", person.sessions, name="sessions"),
    path("<int:person_id>/grants/", person.grant, name="grant"),
    path("<int:person_id>/grants/<int:grant_id>/revoke/", person.revoke, name="revoke"),
    path("<int:person_id>/cover/", person.cover, name="cover"),
]
