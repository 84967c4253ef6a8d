"""Static files under names that carry their content's hash, compressed once at set-up."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites imports between our own JavaScript modules too, so that a changed module is fetched anew."""

    support_js_module_import_aggregation = True
