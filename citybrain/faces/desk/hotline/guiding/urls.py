"""Addresses of topics, knowledge and reports, below /desk/hotline/."""

from django.urls import path

from citybrain.faces.desk.hotline.guiding import knowledge, reports, topics

urlpatterns = [
    path("topics/", topics.topics_view, name="hotline_topics"),
    path("topics/map/", topics.map_view, name="hotline_topics_map"),
    path("topics/<int:topic_id>/", topics.topic_view, name="hotline_topic"),
    path("topics/<int:topic_id>/step/", topics.step_view, name="hotline_topic_step"),
    path("topics/warnings/<int:warning_id>/", topics.warning_view, name="hotline_topic_warning"),
    path("knowledge/", knowledge.list_view, name="hotline_knowledge"),
    path("knowledge/new/", knowledge.new_view, name="hotline_knowledge_new"),
    path("knowledge/<int:entry_id>/", knowledge.entry_view, name="hotline_entry"),
    path("knowledge/<int:entry_id>/edit/", knowledge.edit_view, name="hotline_entry_edit"),
    path("knowledge/<int:entry_id>/step/", knowledge.step_view, name="hotline_entry_step"),
    path("reports/", reports.reports_view, name="hotline_reports"),
    path("reports/<int:report_id>/<slug:form>/", reports.file_view, name="hotline_report_file"),
]
