"""Addresses of the hotline on the desk, below /desk/hotline/; the names are the desk's."""

from django.urls import path

from citybrain.faces.desk.hotline import (
    callers,
    calling_back,
    choosing,
    files,
    looking,
    taking,
    taking_out,
    tickets,
    work,
)
from citybrain.faces.desk.hotline.guiding import urls as guiding
from citybrain.faces.desk.hotline.supervising import urls as supervising

urlpatterns = [
    path("", work.home_view, name="hotline_home"),
    path("work/<slug:key>/", work.work_view, name="hotline_work"),
    path("work/<slug:key>/rows/", work.rows_view, name="hotline_rows"),
    path("work/<slug:key>/export/", taking_out.export_view, name="hotline_export"),
    path("work/<slug:key>/batch/<slug:step>/", work.batch_view, name="hotline_batch"),
    path("counts/", work.counts_view, name="hotline_counts"),
    path("search/", work.search_view, name="hotline_search"),
    path("call/", taking.call_view, name="hotline_call"),
    path("call/look/", looking.look_view, name="hotline_look"),
    path("call/keep/", taking.keep_view, name="hotline_keep"),
    path("call/drop/", taking.drop_view, name="hotline_drop"),
    path("line/", taking.line_view, name="hotline_line"),
    path("line/sit/", taking.sit_view, name="hotline_sit"),
    path("tickets/<slug:number>/", tickets.ticket_view, name="hotline_ticket"),
    path("tickets/<slug:number>/steps/<slug:step>/", tickets.step_view, name="hotline_step"),
    path("tickets/<slug:number>/contact/", tickets.contact_view, name="hotline_contact"),
    path("recordings/<int:call_id>/", tickets.recording_view, name="hotline_recording"),
    path("recordings/<int:call_id>/fetch/", tickets.fetch_view, name="hotline_recording_fetch"),
    path("files/<uuid:token>/", files.file_view, name="hotline_file"),
    path("files/<uuid:token>/release/", files.release_view, name="hotline_file_release"),
    path("files/<uuid:token>/<slug:size>/", files.file_view, name="hotline_file_small"),
    path("callbacks/", calling_back.callbacks_view, name="hotline_callbacks"),
    path("callbacks/<slug:number>/", calling_back.callback_view, name="hotline_callback"),
    path("callers/", callers.callers_view, name="hotline_callers"),
    path("callers/find/", callers.find_view, name="hotline_callers_find"),
    path("callers/<int:caller_id>/", callers.caller_view, name="hotline_caller"),
    path("callers/<int:caller_id>/care/", callers.care_view, name="hotline_care"),
    path("callers/<int:caller_id>/propose/", callers.propose_view, name="hotline_propose"),
    path("marks/<int:mark_id>/", callers.decide_view, name="hotline_mark"),
    path("choose/agencies/", choosing.agencies_view, name="hotline_agencies"),
    path("choose/places/", choosing.places_view, name="hotline_places"),
    *guiding.urlpatterns,
    *supervising.urlpatterns,
]
