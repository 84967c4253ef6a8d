"""Addresses of the supervisors' pages, below /desk/hotline/."""

from django.urls import path

from citybrain.faces.desk.hotline.supervising import board, links, news, quality, reading

urlpatterns = [
    path("board/", board.board_view, name="hotline_board"),
    path("links/", links.links_view, name="hotline_links"),
    path("links/send/", links.send_view, name="hotline_links_send"),
    path("links/<int:partner_id>/", links.partner_view, name="hotline_partner"),
    path("links/handovers/<int:hand_over_id>/", links.handover_view, name="hotline_handover"),
    path("links/handovers/<int:hand_over_id>/step/", links.handover_step_view, name="hotline_handover_step"),
    path("quality/", quality.quality_view, name="hotline_quality"),
    path("quality/judge/", quality.judge_view, name="hotline_quality_judge"),
    path("quality/draw/", quality.draw_view, name="hotline_quality_draw"),
    path("quality/ask/", quality.ask_view, name="hotline_quality_ask"),
    path("reading/", reading.reading_view, name="hotline_reading"),
    path("reading/switch/", reading.switch_view, name="hotline_reading_switch"),
    path("reading/use/", reading.use_view, name="hotline_reading_use"),
    path("reading/notices/<int:notice_id>/", reading.notice_view, name="hotline_reading_notice"),
    path("reading/news/", news.news_view, name="hotline_reading_news"),
    path("reading/news/<int:event_id>/", news.seen_view, name="hotline_reading_seen"),
]
