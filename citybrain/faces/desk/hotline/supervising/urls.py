"""Addresses of the supervisors' pages, below /desk/hotline/."""

from django.urls import path

from citybrain.faces.desk.hotline.supervising import board, quality, reading

urlpatterns = [
    path("board/", board.board_view, name="hotline_board"),
    path("quality/", quality.quality_view, name="hotline_quality"),
    path("quality/judge/", quality.judge_view, name="hotline_quality_judge"),
    path("quality/draw/", quality.draw_view, name="hotline_quality_draw"),
    path("quality/ask/", quality.ask_view, name="hotline_quality_ask"),
    path("reading/", reading.reading_view, name="hotline_reading"),
    path("reading/switch/", reading.switch_view, name="hotline_reading_switch"),
    path("reading/use/", reading.use_view, name="hotline_reading_use"),
    path("reading/notices/<int:notice_id>/", reading.notice_view, name="hotline_reading_notice"),
]
