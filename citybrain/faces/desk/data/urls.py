"""Addresses of data exchange on the desk, below /desk/data/; the names are the desk's."""

from django.urls import path

from citybrain.faces.desk.data import (
    asking,
    catalogue_files,
    conflicts,
    grants,
    intake,
    mending,
    one_set,
    sets,
    sources,
)

urlpatterns = [
    path("sets/", sets.list_view, name="data_sets"),
    path("export.xlsx", catalogue_files.export_view, name="data_sets_export"),
    path("import/", catalogue_files.import_view, name="data_sets_import"),
    path("sets/<slug:code>/", one_set.set_view, name="data_set"),
    path("sets/<slug:code>/ask/", asking.ask_view, name="data_ask"),
    path("sets/<slug:code>/steps/<slug:step>/", one_set.step_view, name="data_set_step"),
    path("sets/<slug:code>/upload/", intake.upload_view, name="data_upload"),
    path("sets/<slug:code>/sources/add/", sources.add_view, name="data_source_add"),
    path("sets/<slug:code>/sources/add/try/", sources.add_view, {"trying": True}, name="data_source_add_try"),
    path("sources/<int:source_id>/", sources.source_view, name="data_source"),
    path("sources/<int:source_id>/try/", sources.try_view, name="data_source_try"),
    path("sources/<int:source_id>/run/", sources.run_view, name="data_source_run"),
    path("sources/<int:source_id>/edit/", sources.edit_view, name="data_source_edit"),
    path(
        "sources/<int:source_id>/edit/try/", sources.edit_view, {"trying": True}, name="data_source_edit_try"
    ),
    path("conflicts/", conflicts.list_view, name="data_conflicts"),
    path("conflicts/<int:conflict_id>/", conflicts.conflict_view, name="data_conflict"),
    path("conflicts/<int:conflict_id>/plain/", conflicts.plain_view, name="data_conflict_plain"),
    path("conflicts/<int:conflict_id>/<slug:step>/", conflicts.step_view, name="data_conflict_step"),
    path("intake/", intake.list_view, name="data_intake"),
    path("intake/runs/<int:run_id>/", intake.run_view, name="data_run"),
    path("intake/runs/<int:run_id>/accept/", intake.accept_view, name="data_run_accept"),
    path("intake/runs/<int:run_id>/retry/", intake.retry_view, name="data_run_retry"),
    path("intake/runs/<int:run_id>/bad/", mending.list_view, name="data_bad"),
    path("intake/runs/<int:run_id>/replay/", mending.replay_view, name="data_replay"),
    path("intake/bad/<int:row_id>/", mending.mend_view, name="data_mend"),
    path("requests/", asking.list_view, name="data_requests"),
    path("requests/<slug:wanted>/", asking.request_view, name="data_request"),
    path("requests/<slug:wanted>/withdraw/", asking.withdraw_view, name="data_request_withdraw"),
    path("grants/", grants.list_view, name="data_grants"),
    path("grants/<slug:wanted>/", grants.grant_view, name="data_grant"),
    path("grants/<slug:wanted>/keys/", grants.issue_view, name="data_key"),
    path("grants/<slug:wanted>/keys/<int:key_id>/end/", grants.end_key_view, name="data_key_end"),
    path("grants/<slug:wanted>/revoke/", grants.revoke_view, name="data_grant_revoke"),
]
