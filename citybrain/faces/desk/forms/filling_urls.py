"""Addresses of those who fill: sheets, disputes, rosters; below /desk/forms/."""

from django.urls import path

from citybrain.faces.desk.forms import bringing, disputes, filling, filling_feed, roster_people, rosters

urlpatterns = [
    path("fill/", filling.list_view, name="forms_fill"),
    path("fill/worker.js", filling_feed.worker_view, name="forms_worker"),
    path("fill/<int:sheet_id>/", filling.sheet_view, name="forms_fill_sheet"),
    path("fill/<int:sheet_id>/cells/", filling_feed.cells_view, name="forms_fill_cells"),
    path("fill/<int:sheet_id>/edits/", filling_feed.edits_view, name="forms_fill_edits"),
    path("fill/<int:sheet_id>/excel/", bringing.excel_view, name="forms_fill_excel"),
    path("fill/<int:sheet_id>/history/", filling_feed.history_view, name="forms_fill_history"),
    path("fill/<int:sheet_id>/dispute/", filling_feed.dispute_view, name="forms_fill_dispute"),
    path("fill/<int:sheet_id>/submit/", filling.submit_view, name="forms_fill_submit"),
    path("disputes/", disputes.list_view, name="forms_disputes"),
    path("disputes/<int:dispute_id>/", disputes.dispute_view, name="forms_dispute"),
    path("disputes/<int:dispute_id>/row/", disputes.reveal_view, name="forms_dispute_reveal"),
    path("disputes/<int:dispute_id>/settle/", disputes.settle_view, name="forms_dispute_settle"),
    path("disputes/<int:dispute_id>/withdraw/", disputes.withdraw_view, name="forms_dispute_withdraw"),
    path("rosters/", rosters.list_view, name="forms_rosters"),
    path("rosters/<slug:key>/", rosters.roster_view, name="forms_roster"),
    path("rosters/<slug:key>/export.xlsx", rosters.export_view, name="forms_roster_export"),
    path("rosters/<slug:key>/looked/", rosters.looked_view, name="forms_roster_looked"),
    path("rosters/<slug:key>/views/", rosters.save_view, name="forms_roster_save"),
    path("rosters/views/<int:view_id>/drop/", rosters.drop_view, name="forms_roster_drop"),
    path("rosters/<slug:key>/people/<slug:token>/", roster_people.person_view, name="forms_roster_person"),
    path("rosters/<slug:key>/people/<slug:token>/note/", roster_people.note_view, name="forms_roster_note"),
    path(
        "rosters/<slug:key>/people/<slug:token>/dispute/",
        roster_people.dispute_view,
        name="forms_roster_dispute",
    ),
]
