"""Addresses of the supervisors' pages, below /desk/hotline/."""

from django.urls import path

from citybrain.faces.desk.hotline.supervising import reading

urlpatterns = [
    path("reading/", reading.reading_view, name="hotline_reading"),
    path("reading/switch/", reading.switch_view, name="hotline_reading_switch"),
    path("reading/use/", reading.use_view, name="hotline_reading_use"),
    path("reading/notices/<int:notice_id>/", reading.notice_view, name="hotline_reading_notice"),
]
